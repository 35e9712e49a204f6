/** The command line as a user has it: the launcher, as a process, against a native API on a socket. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { generateHelpTextForAllCommands } from "@stricli/core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { application } from "../../src/cli/mod.ts";
import { createNativeServer, type NativeServer, record } from "../gateway/dialect/native/support.ts";
import { launcher, runLauncher, weir } from "./launcher.ts";

let server: NativeServer;
beforeAll(async () => {
  server = createNativeServer();
  unwrap(await server.gateway.start());
});
afterAll(() => server.close());

/** Bad command lines, and what is said of them. */
const usage: [args: string[], words: string][] = [
  [["flw-log"], "flow-log"],
  [["flow-log", "create", "--nam", "x"], "did you mean --name?"],
  [["flow-log", "show"], "Expected argument for ID"],
  [["flow-log", "create", "--active-timeout", "soon"], '"soon" is not a whole number'],
  [["flow-log", "create", "--netflow-version", "7"], "5|9|10"],
  [["flow-log", "tag", "fl-1"], "at least 2"],
  [["records"], "--project"],
];

describe("weir", () => {
  it("explains itself when it is given nothing to do", async () => {
    const { code, out } = await weir();
    expect(code).toBe(0);
    expect(out).toContain("self-hosted flow logs");
    const named = [...out.matchAll(/^ {2}\.\/weir ([a-z-]+)/gmu)].map((match) => match[1]);
    const commands = generateHelpTextForAllCommands(application).map(([route]) => route.split(" ")[1]);
    expect(new Set(named)).toEqual(new Set(commands));
  });

  it("tells its version", async () => {
    const { code, out } = await weir("--version");
    expect(code).toBe(0);
    expect(out).toMatch(/^\d+\.\d+\.\d+ \(Node\.js v26\./u);
  });

  it("works through a symbolic link, from another directory", async () => {
    const directory = mkdtempSync(join(tmpdir(), "weir-link-"));
    symlinkSync(launcher, join(directory, "weir"));
    symlinkSync("weir", join(directory, "again"));
    expect((await runLauncher("./again", ["--version"], directory)).code).toBe(0);
    rmSync(directory, { recursive: true });
  });

  it.each(usage)("%j is bad usage: exit code 2, and what was meant", async (args, words) => {
    const { code, out, errors } = await weir(...args);
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(errors).toMatch(/^error: /u);
    expect(errors).toContain(words);
  });
});

describe("bad usage with --json", () => {
  it.each(usage)("%j is one JSON value", async (args, words) => {
    const { code, out, errors } = await weir(...args, "--json");
    expect({ code, errors }).toEqual({ code: 2, errors: "" });
    const { error } = JSON.parse(out);
    expect(error).toMatchObject({ code: "InputInvalid", remedy: expect.stringContaining("--help") });
    expect(error.message).toContain(words);
  });
});

describe("weir doctor --netflow", () => {
  const collector = async (host: string): Promise<{ state: string; text: string }> => {
    const { out } = await weir("doctor", "--json", "--netflow", host);
    return JSON.parse(out).checks.find(({ name }: { name: string }) => name === "collector");
  };

  it("passes an address with a route, and fails a name and an address without one", async () => {
    expect(await collector("127.0.0.1:9995")).toMatchObject({ state: "ok" });
    expect(await collector("collector.invalid")).toMatchObject({ state: "fail" });
    expect(await collector("255.255.255.255:9995")).toMatchObject({ state: "fail" });
  });
});

describe("without a running server", () => {
  it("says so, and what to do", async () => {
    const { code, out, errors } = await weir("status", "--data", "/nonexistent/weir");
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(errors).toBe(
      "error: no Weir is running here\n" +
        "  --data: /nonexistent/weir\n" +
        "  allowed: the data directory of a running Weir\n" +
        "  remedy: start one with ./weir serve, or name its data directory with --data DIR\n",
    );
  });

  it("says so in JSON too", async () => {
    const { code, out, errors } = await weir("status", "--data", "/nonexistent/weir", "--json");
    expect(code).toBe(1);
    expect(errors).toBe("");
    expect(JSON.parse(out)).toMatchObject({ error: { code: "ServerNotRunning", retryable: true } });
  });
});

describe("weir resource, project, logstore, access-key and status", () => {
  it("list resources as a tree", async () => {
    const { out } = await weir("resource", "list", "--data", server.data);
    expect(out).toMatch(new RegExp(`^${server.gatewayId} +gateway +router `, "mu"));
    expect(out).toMatch(new RegExp(`^ {4}${server.interfaceId} +interface +eth0 `, "mu"));
    expect((await weir("resource", "show", server.interfaceId, "--data", server.data)).out).toContain("eth0");
  });

  it("list what is gone only with --all, unless a flow log is bound to it", async () => {
    const { control } = server;
    const host = (...names: string[]) => ({
      hosts: [{ agentId: "agent-000000000001", name: "router", interfaces: names.map((name) => ({ name })) }],
    });
    unwrap(control.resources.sync(host("eth0", "veth7")));
    unwrap(control.resources.sync(host("eth0")));
    const present = await weir("resource", "list", "--data", server.data);
    expect(present.out).not.toContain("veth7");
    const all = await weir("resource", "list", "--data", server.data, "--all");
    expect(all.out).toMatch(/ veth7 .* absent$/mu);
    const { resources } = JSON.parse((await weir("resource", "list", "--data", server.data, "--json")).out);
    expect(resources.map(({ name }: { name: string }) => name)).toEqual([
      "router",
      "router",
      "unnumbered",
      "eth0",
    ]);
  });

  it("make and delete a project with a logstore", async () => {
    const data = ["--data", server.data];
    expect((await weir("project", "create", "made", "--description", "for tests", ...data)).out).toContain(
      "created project made",
    );
    const store = ["logstore", "create", "flows", "--project", "made", ...data];
    expect((await weir(...store, "--retention-days", "0")).errors).toBe(
      "error: --retention-days 0 is not in range\n  --retention-days: 0\n  allowed: 1 to 3650 days\n",
    );
    expect((await weir(...store, "--retention-days", "7")).out).toBe(
      `created logstore flows in made\nnext: ./weir flow-log create --name NAME --log made/flows --data ${server.data}\n`,
    );
    expect((await weir("logstore", "list", "--project", "made", ...data)).out).toMatch(/^flows +7 /mu);
    expect((await weir("project", "list", ...data)).out).toMatch(/^made +cn-shanghai .* for tests$/mu);
    expect((await weir("logstore", "delete", "flows", "--project", "made", ...data)).code).toBe(0);
    expect((await weir("project", "delete", "made", ...data)).code).toBe(0);
    expect((await weir("project", "delete", "made", ...data)).errors).toContain("made");
  });

  it("make, disable, enable and delete an access key", async () => {
    const data = ["--data", server.data];
    const { accessKeyId } = JSON.parse((await weir("access-key", "create", ...data, "--json")).out);
    expect((await weir("access-key", "disable", accessKeyId, ...data)).out).toBe(`disabled ${accessKeyId}\n`);
    expect((await weir("access-key", "list", ...data)).out).toMatch(
      new RegExp(`^${accessKeyId} +inactive `, "mu"),
    );
    expect((await weir("access-key", "enable", accessKeyId, ...data)).out).toBe(`enabled ${accessKeyId}\n`);
    expect((await weir("access-key", "delete", accessKeyId, ...data)).out).toBe(`deleted ${accessKeyId}\n`);
  });

  it("show the status, with lists as tables", async () => {
    const { out } = await weir("status", "--data", server.data);
    expect(out).toBe("version  0.0.0\n\nparts\n  NAME   STATE\n  store  ok\n");
  });
});

describe("weir records", () => {
  it("asks for the newest of the time range and prints them oldest first", async () => {
    const data = ["--data", server.data];
    await weir("project", "create", "searched", ...data);
    await weir("logstore", "create", "flows", "--project", "searched", ...data);
    const target = ["--project", "searched", "--logstore", "flows", ...data];
    const text = await weir(
      "records",
      ...target,
      "--where",
      "dstport: 443",
      "--from",
      "2026-09-21T00:00",
      "--limit",
      "5",
    );
    expect(text.out).toContain(
      "10.0.0.1         40000  10.0.0.2           443         6         12          3456",
    );
    expect(text.out.endsWith("1 record\n")).toBe(true);
    expect(server.asked.at(-1)).toMatchObject({ query: "dstport: 443", line: 5, reverse: true });
    const json = await weir("records", ...target, "--json");
    expect(JSON.parse(json.out)).toEqual(record);
    const refused = await weir("records", ...target, "--from", "yesterday");
    expect(refused.errors).toContain('"yesterday" is not a time\n  --from: yesterday\n');
    const limit = await weir("records", ...target, "--limit", "0");
    expect(limit.errors).toContain("  --limit: 0\n");
  });

  it.each([
    [["--interval", "60"], "--interval is of --histogram"],
    [["--histogram", "--follow"], "--histogram takes no --follow"],
    [["--histogram", "--limit", "5"], "--histogram takes no --limit"],
    [["--follow", "--from", "1h"], "--follow takes no --from"],
  ])("refuses %j, of which one would go unheard", async (flags, words) => {
    const { code, errors } = await weir("records", "--project", "traffic", "--logstore", "flows", ...flags);
    expect(code).toBe(1);
    expect(errors).toContain(words);
  });
});

describe("weir records --histogram", () => {
  it("prints what there was in each interval, and which tier answered", async () => {
    const data = ["--data", server.data];
    await weir("project", "create", "counted", ...data);
    await weir("logstore", "create", "flows", "--project", "counted", ...data);
    const range = ["--from", "1700000040", "--to", "1700000100", "--interval", "60"];
    const asked = ["--project", "counted", "--logstore", "flows", "--histogram", ...range, ...data];
    const { out } = await weir("records", ...asked, "--where", "dstport: 443");
    expect(out).toBe(
      "FROM (UTC)           TO (UTC)             RECORDS  PACKETS  BYTES\n" +
        "2023-11-14 22:14:00  2023-11-14 22:15:00        3        4  400 B\n" +
        "3 records; by tier: 1m 3\n",
    );
    expect(server.asked.at(-1)).toMatchObject({ query: "dstport: 443", intervalS: 60 });
    expect(JSON.parse((await weir("records", ...asked, "--json")).out)).toMatchObject({
      tiers: [{ tier: "1m", records: 3 }],
      intervals: [{ fromS: 1_700_000_040, records: 3 }],
    });
    const refused = await weir("records", ...asked.with(asked.indexOf("60"), "0"));
    expect(refused.errors).toContain("--interval");
  });
});

describe("weir records --follow", () => {
  it("prints what is there and goes on until it is interrupted", async () => {
    const data = ["--data", server.data];
    await weir("project", "create", "followed", ...data);
    await weir("logstore", "create", "flows", "--project", "followed", ...data);
    const askedBefore = server.asked.length;
    const child = spawn(launcher, [
      "records",
      "--project",
      "followed",
      "--logstore",
      "flows",
      "--follow",
      "--json",
      ...data,
    ]);
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    await expect.poll(() => server.asked.length, { timeout: 25_000 }).toBeGreaterThan(askedBefore + 1);
    child.kill("SIGINT");
    await once(child, "close");
    expect(out).toBe(`${JSON.stringify(record)}\n`);
    expect(server.asked.at(-1)).toMatchObject({ afterPosition: "7" });
  });

  it("ends with the fault when the logstore does not exist", async () => {
    const ran = await weir(
      "records",
      "--project",
      "none",
      "--logstore",
      "flows",
      "--follow",
      "--data",
      server.data,
    );
    expect(ran.code).toBe(1);
    expect(ran.errors).toContain("error: ");
  });
});

describe("weir serve", () => {
  it("refuses a misspelt setting before it touches anything", async () => {
    const directory = mkdtempSync(join(tmpdir(), "weir-serve-"));
    const file = join(directory, "weir.yaml");
    writeFileSync(file, "capture:\n  ringByte: 4\n");
    const { code, errors } = await weir("serve", "--config", file, "--data", join(directory, "data"));
    rmSync(directory, { recursive: true });
    expect(code).toBe(1);
    expect(errors).toBe(
      `error: ${file} line 2: there is no setting capture.ringByte; did you mean capture.ringBytes?\n` +
        "  allowed: a setting of docs/reference/configuration.md\n" +
        "  remedy: did you mean capture.ringBytes?\n",
    );
  });

  it("refuses a --set that is none, in JSON where asked", async () => {
    const { out } = await weir("serve", "--set", "capture.loopback", "--json");
    expect(JSON.parse(out).error).toMatchObject({ code: "InputInvalid", field: "set" });
    const unknown = await weir("serve", "--set", "capture.loopbak=true", "--json");
    expect(JSON.parse(unknown.out).error.remedy).toBe("did you mean capture.loopback?");
  });
});

describe("weir doctor", () => {
  it("prints a line for each check and the mending of what is amiss", async () => {
    const data = mkdtempSync(join(tmpdir(), "weir-doctor-"));
    const { out } = await weir("doctor", "--data", data, "--listen", "127.0.0.1:0", "--json");
    rmSync(data, { recursive: true });
    const checks = JSON.parse(out).checks as { name: string; state: string; text: string }[];
    expect(checks.map(({ name }) => name)).toEqual([
      "platform",
      "store engine",
      "memory",
      "clock",
      "data directory",
      "disk",
      "running Weir",
      "port",
      "privilege",
      "packet ring",
      "tcpdump",
      "verdicts",
      "socket buffers",
      "project names",
    ]);
    expect(checks.find(({ name }) => name === "running Weir")?.text).toBe(`none on ${data}`);
  });

  it("fails with exit code 1 when the data directory cannot be", async () => {
    const { code, out } = await weir("doctor", "--data", "/dev/null/weir", "--listen", "127.0.0.1:0");
    expect(code).toBe(1);
    expect(out).toMatch(/^fail +data directory +\/dev\/null is a file$/mu);
  });

  it("fails on a data directory whose socket no path reaches, and a command finds no Weir there", async () => {
    const data = `/tmp/${"d".repeat(100)}`;
    const { code, out } = await weir("doctor", "--data", data, "--listen", "127.0.0.1:0");
    expect(code).toBe(1);
    expect(out).toMatch(/^fail +data directory +the path of the data directory is too long for the socket/mu);
    expect((await weir("status", "--data", data)).errors).toContain("error: no Weir is running here");
  });

  it("sees a running Weir", async () => {
    const { out } = await weir("doctor", "--data", server.data, "--listen", "127.0.0.1:0");
    expect(out).toContain(`one is running on ${server.data}`);
  });
});
