/** A data directory on a disk that fills up while flows arrive, and has room again later. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

import PopCore from "@alicloud/pop-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative, readMetric, readStatus } from "../support/administration.ts";
import { type Echo, echoSegments, streamConnections } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { excessOf, isComplete, sumRecords } from "../support/records.ts";
import { countSlsLogs, readSlsLogs } from "../support/sls-client.ts";
import { recordTruth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("mount a small disk") && requirePeer("ip", "tcpdump", "tshark");
const diskMegabytes = 120;

describe.skipIf(!isPossible)("a Weir whose disk is full", () => {
  const directory = temporaryDirectory("program-disk-full");
  const disk = join(directory.path, "disk");
  const ballast = join(disk, "ballast");
  let link: VethToPeer;
  let echo: Echo;
  let weir: RunningWeir;
  let call: (action: string, parameters?: Record<string, unknown>) => Promise<Record<string, unknown>>;
  let flowLogId: string;

  beforeAll(async () => {
    mkdirSync(disk);
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${diskMegabytes}m`, "tmpfs", disk]);
    link = createVethToPeer("pd");
    echo = await echoSegments(link.hostAddress);
    weir = await startWeir({
      data: join(disk, "data"),
      args: ["--set", `capture.interfaces.include=${link.interfaceName}`],
    });
    const { accessKeyId, accessKeySecret, endpoint, regionId, resources } = weir.ready;
    const client = new PopCore({
      accessKeyId,
      accessKeySecret: accessKeySecret!,
      endpoint,
      apiVersion: "2018-03-13",
    });
    call = (action, parameters) =>
      client.request(action, { RegionId: regionId, ...parameters }, { method: "POST" });
    const created = await call("CreateFlowLog", {
      Name: "full",
      InactiveAging: 10,
      OutputType: "sls",
      SlsRegionId: regionId,
      ProjectName: "full",
      LogstoreName: "flows",
    });
    flowLogId = String(created["FlowLogId"]);
    const gateway = resources.find(({ type }) => type === "gateway")!;
    await call("AssociateFlowLog", { FlowLogId: flowLogId, SmartAGId: gateway.id });
  });

  afterAll(async () => {
    await weir?.stop();
    echo?.close();
    link?.remove();
    execFileSync("umount", ["-l", disk]);
    directory.remove();
  });

  /** Writes until the disk takes no more. */
  const fillDisk = (): void => {
    const file = openSync(ballast, "a");
    const block = Buffer.alloc(4096);
    try {
      for (;;) writeSync(file, block);
    } catch (error) {
      if (!String(error).includes("ENOSPC")) throw error;
    } finally {
      closeSync(file);
    }
  };
  const countRecords = () => countSlsLogs(weir.ready, "full", "flows", "*");
  const accepted = () => readMetric(weir.ready.endpoint, "weir_spool_accepted_flows_total");

  it("answers on, keeps what it has, and goes on by itself when there is room again", async () => {
    const { pid } = weir;
    const recorder = await recordTruth(link.peer, link.peerInterfaceName, directory.path);
    const stream = streamConnections(link.peer, echo, 20);
    await eventually("the first records", 90_000, async () =>
      (await countRecords()) > 0 ? true : undefined,
    );
    fillDisk();
    await eventually("batches are refused", 90_000, async () => {
      fillDisk();
      return (await readMetric(weir.ready.endpoint, "weir_capture_accept_failures_total")) > 0
        ? true
        : undefined;
    });
    fillDisk();
    const stored = await countRecords();
    expect(stored).toBeGreaterThan(0);
    expect(await call("DescribeFlowLogs")).toMatchObject({ TotalCount: 1 });
    expect(await readStatus(weir.data)).toMatchObject({
      store: { state: "ready" },
      capture: { state: "running" },
    });
    await expectClearRefusal();

    await stream.stop();
    rmSync(ballast);
    const truth = await recorder.finish();
    await eventually("all flows are stored", 60_000, async () => {
      const found = await readSlsLogs(weir.ready, "full", "flows", "protocol: 6");
      return isComplete(sumRecords(found), truth) ? true : undefined;
    });
    const records = await readSlsLogs(weir.ready, "full", "flows", "protocol: 6");
    expect(excessOf(sumRecords(records), truth)).toEqual([]);
    expect(sumRecords(records)).toEqual(truth);
    // What the kernels say to each other is metered all the time, and is on its way for a moment.
    await eventually("as many flows are stored as were accepted", 60_000, async () =>
      (await countRecords()) === (await accepted()) ? true : undefined,
    );
    await call("ModifyFlowLogAttribute", { FlowLogId: flowLogId, Description: "there is room again" });
    expect(await readStatus(weir.data)).toMatchObject({
      ready: true,
      spool: { droppedBatches: 0 },
      capture: { restarts: 0 },
    });
    expect(weir.pid).toBe(pid);
    expect((await weir.stop()).code).toBe(0);
  });

  /** A change that cannot be kept is refused with a reason, and is not half made. */
  const expectClearRefusal = async (): Promise<void> => {
    const description = "x".repeat(200);
    const path = `/flow-logs/${flowLogId}`;
    /** The file may have some room left in itself, and the store may give some back. */
    const refusalOf = async (attempt: (description: string) => Promise<string>): Promise<string> => {
      for (let number = 0; number < 200; number++) {
        fillDisk();
        const answer = await attempt(`${description}${number}`);
        if (answer !== "done") return answer;
      }
      return "never refused";
    };
    const native = await refusalOf((text) =>
      callNative(weir.data, "PATCH", path, { settings: { description: text } }).then(() => "done", String),
    );
    expect(native).toMatch(/^Error: 507 .*"DiskFull".*the disk of the data directory is full/u);
    const sdk = await refusalOf((text) =>
      call("ModifyFlowLogAttribute", { FlowLogId: flowLogId, Description: text }).then(
        () => "done",
        (error: { code?: string; message?: string }) => `${error.code} ${error.message}`,
      ),
    );
    expect(sdk).toMatch(/^ServiceUnavailable /u);
  };
});
