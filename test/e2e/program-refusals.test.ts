/** What Weir cannot start with is refused in one clear message; what it can do without is a warning. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";

import PopCore from "@alicloud/pop-core";
import { afterAll, describe, expect, it } from "vitest";

import { callNative, readStatus } from "../support/administration.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import {
  type Ending,
  eventually,
  type RunningWeir,
  runWeir,
  startWeir,
  temporaryDirectory,
} from "../support/weir.ts";

interface RefusalLine {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly value?: string;
    readonly allowed?: string;
    readonly remedy?: string;
  };
}

const directory = temporaryDirectory("program-refusals");
const running: RunningWeir[] = [];
const mainProgram = resolve(import.meta.dirname, "../../src/main.js");
const nobody = 65_534;

afterAll(async () => {
  for (const weir of running) await weir.stop();
  directory.remove();
});

function folder(name: string): string {
  const path = join(directory.path, name);
  mkdirSync(path, { recursive: true });
  return path;
}

async function start(data: string, prefix: readonly string[] = []): Promise<RunningWeir> {
  const weir = await startWeir({ data, prefix });
  running.push(weir);
  return weir;
}

/** Starts the server both ways; returns the fault of the JSON line when both refuse alike. */
async function refusalOf(
  args: readonly string[],
  options: Parameters<typeof runWeir>[1] = {},
): Promise<RefusalLine["error"]> {
  const [told, line] = [
    await runWeir(["serve", ...args], options),
    await runWeir(["serve", "--json", ...args], options),
  ];
  expect([told.code, line.code], told.errors).toEqual([1, 1]);
  const { error } = JSON.parse(line.output) as RefusalLine;
  expectOneMessage(told, error.message);
  return error;
}

/** On standard error stands the message with what belongs to it, and nothing else: no stack, no log line. */
function expectOneMessage({ output, errors }: Ending, message: string): void {
  expect(output).toBe("");
  expect(errors.startsWith(`error: ${message}\n`), errors).toBe(true);
  for (const line of errors.slice(`error: ${message}\n`.length).split("\n").filter(Boolean)) {
    expect(line).toMatch(/^ {2}[\w .-]+: /u);
  }
}

const anyPort = ["--listen", "127.0.0.1:0"];

describe("weir serve refuses", () => {
  it("a port that another program has, and leaves the data directory to the next", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = `127.0.0.1:${(other.address() as AddressInfo).port}`;
    const data = folder("busy-port");
    const refused = await refusalOf(["--listen", address, "--data", data]);
    expect(refused).toMatchObject({
      code: "PortInUse",
      message: expect.stringContaining(address),
      remedy: expect.stringContaining("--listen"),
    });
    other.close();
    await start(data);
  });

  it("a data directory that another Weir uses, which is not harmed", async () => {
    const data = folder("used");
    const first = await start(data);
    const refused = await refusalOf([...anyPort, "--data", data]);
    expect(refused).toMatchObject({
      code: "DataDirectoryLocked",
      message: expect.stringContaining(data),
      remedy: expect.stringContaining("--data"),
    });
    expect(await readStatus(data)).toMatchObject({ ready: true, store: { state: "ready", restarts: 0 } });
    expect((await first.stop()).code).toBe(0);
  });

  it("a data directory that is a file, or lies below one", async () => {
    const file = join(directory.path, "file");
    writeFileSync(file, "");
    for (const data of [file, join(file, "below")]) {
      expect(await refusalOf([...anyPort, "--data", data])).toMatchObject({
        code: "DataDirectoryUnusable",
        value: data,
        remedy: expect.stringContaining("--data"),
      });
    }
  });

  it("a setting that there is not, and names the one that was meant", async () => {
    const data = folder("settings");
    const refused = await refusalOf([...anyPort, "--data", data, "--set", "capture.lopback=true"]);
    expect(refused).toMatchObject({ code: "ConfigInvalid", remedy: "did you mean capture.loopback?" });
    const file = join(directory.path, "weir.yaml");
    writeFileSync(file, "spool:\n  bytesMx: 1\n");
    expect(await refusalOf([...anyPort, "--data", data, "--config", file])).toMatchObject({
      code: "ConfigInvalid",
      message: expect.stringContaining(`${file} line 2`),
      remedy: "did you mean spool.bytesMax?",
    });
    expect(readdirSync(data)).toEqual([]);
  });

  it("an access key id without its secret", async () => {
    const refused = await refusalOf([...anyPort, "--data", folder("half-a-key")], {
      environment: { WEIR_ACCESS_KEY_ID: "only-half-a-key" },
    });
    expect(refused).toMatchObject({
      code: "ConfigInvalid",
      message: expect.stringMatching(/id and secret/u),
    });
  });

  it("a data directory that a newer Weir wrote, without changing it", async () => {
    for (const name of ["control", "spool", "nonces"]) {
      const data = folder(`newer-${name}`);
      const weir = await startWeir({ data });
      await weir.stop();
      const version = (): number => {
        const database = new DatabaseSync(join(data, `${name}.sqlite`));
        const row = database.prepare("PRAGMA user_version").get();
        database.close();
        return Number(row?.["user_version"]);
      };
      const database = new DatabaseSync(join(data, `${name}.sqlite`));
      database.exec("PRAGMA user_version = 9999");
      database.close();
      expect(await refusalOf([...anyPort, "--data", data]), name).toMatchObject({
        code: "DataDirectoryUnusable",
        message: expect.stringMatching(/newer/u),
        value: "9999",
        remedy: expect.stringContaining("--data"),
      });
      expect(version()).toBe(9999);
    }
  });
});

const isPossible = requireRoot("become another user") && requirePeer("setpriv");

describe.skipIf(!isPossible)("without privileges", () => {
  /** Nobody where they may read the checkout; otherwise root without a single capability. */
  function unprivileged(): string[] {
    const bare = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"];
    const asNobody = [...bare, `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
    const [command, ...rest] = [...asNobody, process.execPath, "--check", mainProgram];
    return spawnSync(command, rest).status === 0 ? asNobody : bare;
  }

  it("weir serve refuses a data directory that it may not write", async () => {
    const data = folder("not-writable");
    const prefix = unprivileged();
    // Root without capabilities is a stranger where somebody else is the owner.
    chownSync(data, 1, 1);
    chmodSync(data, 0o755);
    expect(await refusalOf([...anyPort, "--data", data], { prefix })).toMatchObject({
      code: "DataDirectoryUnusable",
      value: data,
    });
  });

  it("weir serve gets ready, says what is missing with the one command for it, and serves its API", async () => {
    const data = folder("unprivileged");
    const prefix = unprivileged();
    if (prefix.includes("--clear-groups")) {
      chmodSync(directory.path, 0o755);
      chownSync(data, nobody, nobody);
    }
    const weir = await start(data, prefix);
    expect(weir.ready.warnings).toEqual([expect.stringMatching(/capture.*CAP_NET_RAW.*sudo|setcap/u)]);
    await eventually("the warning for people", 60_000, () =>
      weir.errors().includes(`warning: ${weir.ready.warnings![0]!}\n`) ? true : undefined,
    );
    const status = await readStatus(data);
    expect(status).toMatchObject({ ready: true, store: { state: "ready" } });
    expect(status.capture).toMatchObject({
      state: "unavailable",
      fault: { code: "PrivilegeMissing", remedy: expect.stringMatching(/sudo/u) },
    });
    await expectWorkingApi(weir);
    expect((await weir.stop()).code).toBe(0);
  });

  async function expectWorkingApi({ ready, data }: RunningWeir): Promise<void> {
    const { accessKeyId, accessKeySecret, endpoint, regionId } = ready;
    const client = new PopCore({
      accessKeyId,
      accessKeySecret: accessKeySecret!,
      endpoint,
      apiVersion: "2018-03-13",
    });
    const options = { method: "POST" };
    const { FlowLogId } = await client.request<{ FlowLogId: string }>(
      "CreateFlowLog",
      {
        RegionId: regionId,
        Name: "waits",
        OutputType: "sls",
        SlsRegionId: regionId,
        ProjectName: "waits",
        LogstoreName: "flows",
      },
      options,
    );
    const gateway = ready.resources.find(({ type }) => type === "gateway")!;
    await client.request(
      "AssociateFlowLog",
      { RegionId: regionId, FlowLogId, SmartAGId: gateway.id },
      options,
    );
    const { delivery } = await callNative<{ delivery: { problems: string[] } }>(
      data,
      "GET",
      `/flow-logs/${FlowLogId}`,
    );
    expect(delivery.problems).toEqual([expect.stringContaining("CAP_NET_RAW")]);
    const listed = await runWeir(["flow-log", "list", "--json", "--data", data]);
    expect(listed.output).toContain(FlowLogId);
    await expectActiveWithoutRecords(data, ready.resources.find(({ type }) => type === "vpc")!.id);
  }

  /** An asynchronous service's flow log does not wait for ever for a capture that cannot come. */
  async function expectActiveWithoutRecords(data: string, targetId: string): Promise<void> {
    const logService = { enabled: true, project: "waits", logstore: "flows" };
    const settings = { outputs: { logService } };
    const { id } = await callNative<{ id: string }>(data, "POST", "/flow-logs", { targetId, settings });
    const settled = await eventually("the flow log is active", 90_000, async () => {
      const path = `/flow-logs/${id}`;
      const flowLog = await callNative<Record<string, unknown>>(data, "GET", path);
      return flowLog["transition"] === undefined ? flowLog : undefined;
    });
    expect(settled).toMatchObject({
      status: "active",
      delivery: { problems: [expect.stringContaining("CAP_NET_RAW")] },
    });
  }
});
