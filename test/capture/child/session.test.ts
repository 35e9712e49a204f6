import { describe, expect, it } from "vitest";

import { userFrame4 } from "../../../bench/feature/case.ts";
import { unwrap } from "../../../src/base/mod.ts";
import { createSession, type Session } from "../../../src/capture/child/session.ts";
import { createFrameColumns, linkTypeEthernet, vlanInFrame } from "../../../src/capture/frames.ts";
import type { HostInterface } from "../../../src/capture/interface.ts";
import { allTraffic, type CapturePolicy, type CaptureSubject, emptyPlan } from "../../../src/capture/plan.ts";
import { packetTypes } from "../../../src/capture/ring/layout.ts";
import type { KernelCounts } from "../../../src/capture/ring/ring.ts";
import { createFedTap, type FedTap } from "../../../src/capture/tap.ts";
import { decodeFlowBatch, logStatuses } from "../../../src/flow/mod.ts";

const minute = 60;
const words = new Map<number, string>([
  [logStatuses.noData, "NODATA"],
  [logStatuses.skipData, "SKIPDATA"],
]);
const device: HostInterface = {
  name: "eth0",
  index: 1,
  macAddress: "",
  addresses: [],
  kind: "physical",
  up: true,
  lowerNames: [],
  upperNames: [],
};
const subjectOf = (flowLogId: string, policy: CapturePolicy): CaptureSubject => ({
  flowLogId,
  resourceId: "eni-1",
  scope: "interface",
  interfaceNames: ["eth0"],
  policy,
  filter: allTraffic,
  verdicts: false,
  observationDomain: 1,
  flowsMax: 1000,
});
const windowed = subjectOf("fl-window", { kind: "window", windowMs: 60_000 });
const aged = subjectOf("fl-aged", { kind: "aging", activeTimeoutMs: 300_000, inactiveTimeoutMs: 15_000 });

interface Run {
  readonly session: Session;
  /** Packets that the kernel says it handed over, and that nobody ever reads. */
  readonly lost: { packets: number };
  /** Packets that the kernel says it dropped. */
  readonly dropped: { packets: number };
  /** Lets the clock show this time, reads up to it, and takes packets that came just then. */
  readonly at: (timeS: number, packets?: number) => void;
  /** What was handed over: "flow log, start of the window in seconds, packets or status". */
  readonly rows: string[];
  /** What was told as accounted for, seconds. */
  readonly accounted: number[];
  /** Windows that were told instead of being handed over as rows: "start of the window in seconds, status". */
  readonly told: string[];
}

async function runOf(
  subjects: readonly CaptureSubject[],
  startS: number,
  onSend: () => void = () => undefined,
  tellsWindows = false,
): Promise<Run> {
  const told: string[] = [];
  const rows: string[] = [];
  const accounted: number[] = [];
  const lost = { packets: 0 };
  const dropped = { packets: 0 };
  let tap: FedTap | undefined;
  let nowS = startS;
  const session = createSession({
    origin: { agentId: "a", bootId: "b" },
    clock: { nowMs: () => nowS * 1000, monotonicMs: () => nowS * 1000 },
    assignedAddresses: () => [],
    discover: () => [device],
    openTap(_, intake) {
      const fed = createFedTap("eth0", intake);
      const counts = (): KernelCounts => {
        fed.setDrops(dropped.packets);
        return fed.counts();
      };
      tap = { ...fed, counts, catchUp: () => fed.catchUp() + lost.packets };
      return { ok: true, value: tap };
    },
    sendBatch(sequence, bytes, written) {
      const { header, columns, count } = unwrap(decodeFlowBatch(bytes));
      for (let row = 0; row < count; row++) {
        const what = words.get(columns.logStatus[row]!) ?? `${columns.packets[row]}`;
        const windowS = columns.windowS[row]! || 1;
        const startS = Math.floor(columns.startUs[row]! / 1e6 / windowS) * windowS;
        rows.push(`${header.flowLogId} ${startS} ${what}`);
      }
      written();
      onSend();
      queueMicrotask(() => session.outbox.accepted(sequence));
    },
    tellsWindows,
    sendAccounted(upTo, windows) {
      accounted.push(...upTo.map(({ accountedUpToUs }) => accountedUpToUs / 1e6));
      for (const { endUs, windowUs, logStatus } of windows) {
        told.push(`${(endUs - windowUs) / 1e6} ${words.get(logStatus) ?? "OK"}`);
      }
    },
  });
  await session.apply({ ...emptyPlan, subjects });
  const at = (timeS: number, packets = 0): void => {
    nowS = timeS;
    session.advance(timeS * 1e6);
    if (packets > 0) give(tap!, timeS, packets);
  };
  return { session, lost, dropped, at, rows, accounted, told };
}

function give(tap: FedTap, timeS: number, packets: number): void {
  const frame = userFrame4(1);
  const frames = createFrameColumns(packets);
  frames.count = packets;
  frames.capturedLength.fill(frame.length);
  frames.wireLength.fill(frame.length);
  frames.linkType.fill(linkTypeEthernet);
  frames.packetType.fill(packetTypes.host);
  frames.vlanId.fill(vlanInFrame);
  frames.timestampUs.fill(timeS * 1e6);
  tap.take(frame, new DataView(frame.buffer, frame.byteOffset, frame.length), frames);
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("a capture session", () => {
  it("speaks of each window once its packets are read, and tells that when it is accepted", async () => {
    const { session, at, rows, accounted } = await runOf([windowed, aged], 1000 * minute + 1);
    at(1000 * minute + 2, 5);
    for (let timeS = 1000 * minute + 3; timeS < 1003 * minute; timeS += 0.5) at(timeS);
    await settled();
    expect(rows).toEqual([
      `fl-aged ${1000 * minute + 2} 5`,
      `fl-window ${1000 * minute} 5`,
      `fl-window ${1001 * minute} NODATA`,
    ]);
    expect(accounted).toEqual([1001 * minute, 1002 * minute]);
    expect(session.status().subjects.find(({ windows }) => windows !== undefined)?.windows).toEqual({
      ok: 1,
      noData: 1,
      skipData: 0,
    });
  });

  it("checks the ledger at each window's close, and every minute where there are no windows", async () => {
    for (const subject of [windowed, aged]) {
      const { session, at } = await runOf([subject], 1000 * minute + 1);
      for (let timeS = 1000 * minute + 2; timeS < 1005 * minute; timeS += 0.5) at(timeS, 1);
      expect(session.status().check).toEqual({ checks: 4, errorPackets: 0 });
    }
  });

  it("finds packets that are missing, says so, and calls no such window NODATA", async () => {
    const { session, lost, at, rows } = await runOf([windowed], 1000 * minute + 1);
    at(1000 * minute + 2);
    at(1001 * minute);
    lost.packets = 3;
    at(1001 * minute + 30);
    at(1002 * minute);
    lost.packets = 0;
    at(1003 * minute);
    expect(rows).toEqual([
      `fl-window ${1000 * minute} NODATA`,
      `fl-window ${1001 * minute} SKIPDATA`,
      `fl-window ${1002 * minute} SKIPDATA`,
    ]);
    expect(session.status().check).toEqual({ checks: 3, errorPackets: 3 });
    at(1004 * minute);
    expect(rows.at(-1)).toBe(`fl-window ${1003 * minute} NODATA`);
  });

  it("says what the kernel dropped while a change of the flow log handed over what was metered before", async () => {
    let onSend = (): void => undefined;
    const { session, dropped, at, rows } = await runOf([windowed], 1000 * minute + 1, () => onSend());
    at(1000 * minute + 2, 5);
    at(1000 * minute + 3);
    onSend = () => void (dropped.packets = 100);
    await session.apply({ ...emptyPlan, subjects: [{ ...windowed, revision: 2 }] });
    at(1001 * minute);
    at(1002 * minute);
    await settled();
    expect(rows).toEqual([
      `fl-window ${1000 * minute} 5`,
      `fl-window ${1000 * minute} SKIPDATA`,
      `fl-window ${1001 * minute} NODATA`,
    ]);
  });

  it("blames windows of what the ledger lacks though it was never checked before", async () => {
    const { lost, at, rows } = await runOf([windowed], 1000 * minute + 1);
    lost.packets = 3;
    at(1001 * minute);
    expect(rows).toEqual([`fl-window ${1000 * minute} SKIPDATA`]);
  });

  it("tells what it has to say of windows where others have the rest of their packets, once records are accepted", async () => {
    const { session, dropped, at, rows, told } = await runOf(
      [windowed],
      1000 * minute + 1,
      () => expect(told).toEqual([]),
      true,
    );
    at(1000 * minute + 2, 5);
    at(1001 * minute);
    await settled();
    expect(told).toEqual([`${1000 * minute} OK`]);
    at(1002 * minute);
    dropped.packets = 7;
    at(1003 * minute);
    await settled();
    expect(told.slice(1)).toEqual([
      `${1001 * minute} NODATA`,
      // The drop lies between two looks.
      `${1002 * minute} SKIPDATA`,
    ]);
    // Of a flow log that is gone too, whose last window is cut.
    at(1003 * minute + 1);
    dropped.packets = 9;
    await session.apply(emptyPlan);
    expect(told.slice(3)).toEqual([`${1003 * minute} SKIPDATA`]);
    expect(rows).toEqual([`fl-window ${1000 * minute} 5`]);
  });

  it("goes on where a former process stopped speaking", async () => {
    const since = { ...windowed, accountedUpToUs: 998 * minute * 1e6 };
    const { session, at, rows } = await runOf([since], 1000 * minute + 1);
    at(1000 * minute + 2, 5);
    at(1001 * minute);
    at(1002 * minute);
    await session.finish();
    expect(rows).toEqual([
      `fl-window ${998 * minute} SKIPDATA`,
      `fl-window ${999 * minute} SKIPDATA`,
      `fl-window ${1000 * minute} 5`,
      `fl-window ${1000 * minute} SKIPDATA`,
      `fl-window ${1001 * minute} NODATA`,
    ]);
  });
});
