/** kill -9 of Weir while its child processes hang and see nothing of it: the next start ends them and goes on. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { readStatus } from "../support/administration.ts";
import { type Echo, echoSegments, exchangeMessages } from "../support/exchange.ts";
import { requirePeer, requireRoot } from "../support/peers.ts";
import { isAlive, processState, waitsForPackets } from "../support/processes.ts";
import { isComplete, sumRecords } from "../support/records.ts";
import { accessOf, createGatewayFlowLog, type SagAccess, sagCall } from "../support/sag-client.ts";
import { readSlsLogs } from "../support/sls-client.ts";
import { recordTruth, type Truth } from "../support/truth.ts";
import { createVethToPeer, type VethToPeer } from "../support/veth.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const isPossible = requireRoot("capture packets") && requirePeer("ip", "tcpdump", "tshark");
const timeoutMs = 120_000;
const exchanges = 3;

describe.skipIf(!isPossible)("a Weir that is killed while its children hang", () => {
  let link: VethToPeer;
  let echo: Echo;
  let weir: RunningWeir;
  let directory: { path: string; remove: () => void };
  let access: SagAccess;

  beforeAll(async () => {
    link = createVethToPeer("po");
    echo = await echoSegments(link.hostAddress);
  });
  afterEach(async () => {
    await weir?.stop();
    directory.remove();
  });
  afterAll(() => {
    echo?.close();
    link?.remove();
  });

  const start = async (method = "ring", environment: Record<string, string> = {}): Promise<void> => {
    weir = await startWeir({
      data: join(directory.path, "data"),
      args: [`capture.interfaces.include=${link.interfaceName}`, `capture.method=${method}`].flatMap(
        (setting) => ["--set", setting],
      ),
      environment,
    });
    access = accessOf(weir, access);
  };
  const createFlowLog = () =>
    createGatewayFlowLog(weir, sagCall(access), {
      Name: "orphan",
      InactiveAging: 10,
      ProjectName: "orphans",
      LogstoreName: "flows",
    });
  const whenArmed = () =>
    eventually("capture is armed", timeoutMs, async () => {
      const { capture } = await readStatus(weir.data);
      const isArmed = capture.interfaces.some(({ state }) => state === "armed");
      // Where tcpdump brings the packets, it takes a moment until it does: one process a direction.
      const readers = weir.children("tcpdump");
      const reads = capture.method === "ring" || (readers.length === 2 && readers.every(waitsForPackets));
      return isArmed && reads ? true : undefined;
    });
  /** Some connections, as tcpdump saw them. */
  const exchange = async (): Promise<Truth> => {
    const recorder = await recordTruth(link.peer, link.peerInterfaceName, directory.path);
    for (let round = 0; round < exchanges; round++) await exchangeMessages(link.peer, echo, 3, 100);
    return await recorder.finish();
  };
  const whenRecorded = (truth: Truth) =>
    eventually(`${truth.size} flows are recorded`, timeoutMs, async () => {
      const flows = sumRecords(await readSlsLogs(access, "orphans", "flows", "protocol: 6"));
      return isComplete(flows, truth) ? flows : undefined;
    });

  it.each([
    ["ring", "the kernel ends them with their parent", {}],
    ["tcpdump", "the next start finds them in its register", { NODE_OPTIONS: "--no-experimental-ffi" }],
  ])("by %s, starts again and has each flow once: %s", async (method, _how, environment) => {
    directory = temporaryDirectory("program-orphan");
    await start(method, environment);
    await createFlowLog();
    await whenArmed();
    const before = await exchange();
    await whenRecorded(before);

    const { capture, store } = await readStatus(weir.data);
    expect(capture).toMatchObject({ method });
    const children = [store.pid!, capture.processId!, ...weir.children("tcpdump")];
    expect(children).toHaveLength(method === "ring" ? 2 : 4);
    for (const pid of children) process.kill(pid, "SIGSTOP");
    await weir.kill();
    if (method === "tcpdump") {
      await eventually("the store's process hangs", timeoutMs, () =>
        processState(store.pid!) === "T" ? true : undefined,
      );
    }

    await start(method, environment);
    await whenArmed();
    await eventually("the former children are gone", timeoutMs, () =>
      children.some(isAlive) ? undefined : true,
    );
    expect(await readStatus(weir.data)).toMatchObject({ ready: true, store: { state: "ready" } });
    const after = await exchange();
    const both = new Map([...before, ...after]);
    expect(await whenRecorded(both)).toEqual(both);
  });

  it("leaves alone what the register names and is not its child", async () => {
    directory = temporaryDirectory("program-orphan");
    await start();
    const register = join(weir.data, "children.json");
    const names = (JSON.parse(readFileSync(register, "utf8")) as { children: { name: string }[] }).children;
    expect(names.map(({ name }) => name).toSorted()).toEqual(["capture", "store"]);
    // At once after it said that it is ready.
    expect((await weir.stop()).code).toBe(0);
    expect(JSON.parse(readFileSync(register, "utf8"))).toMatchObject({ children: [] });
    expect(readdirSync(weir.data)).not.toContain("children.json.new");
  });
});
