import { describe, expect, it } from "vitest";

import { outer4, user4, userFrame4, userFrame6 } from "../../bench/feature/case.ts";
import { gre, ppp, pppoe } from "../../bench/feature/headers.ts";
import { formatAddress } from "../../src/base/mod.ts";
import { defaultCaptureConfig } from "../../src/capture/config.ts";
import { createFrameColumns, linkTypeEthernet, vlanInFrame } from "../../src/capture/frames.ts";
import {
  attachMeters,
  createIntake,
  flushIntake,
  type Intake,
  takeFrames,
} from "../../src/capture/intake.ts";
import { allTraffic, type TrafficFilter } from "../../src/capture/plan.ts";
import { trafficClassesOf } from "../../src/capture/traffic-class.ts";
import { packetTypes } from "../../src/capture/ring/layout.ts";
import { verdicts } from "../../src/flow/mod.ts";
import { createMeter, type MeterPolicy } from "../../src/meter/mod.ts";
import { decodeOutcomes, type EncapsulationSwitches } from "../../src/wire/packet/mod.ts";
import { ethernet } from "../wire/packet/frames.ts";

const point = {
  loopback: false,
  hasUpper: false,
  bridged: false,
  hopLimitIpv4: 0,
  hopLimitIpv6: 0,
};

/** The intake after one incoming frame; its row, if there is one, waits for more. */
function take(
  frame: Uint8Array,
  switches: Partial<EncapsulationSwitches> = {},
  vlanId = vlanInFrame,
): Intake {
  const encapsulations = { ...defaultCaptureConfig.encapsulations, ...switches };
  const intake = createIntake(3, point, { encapsulations });
  const meter = createMeter({
    policy: { kind: "aging", activeTimeoutUs: 60e6, inactiveTimeoutUs: 10e6 },
    flowsMax: 10,
    emit: () => undefined,
  });
  attachMeters(intake, [{ meter, classes: trafficClassesOf({ scope: "interface", filter: allTraffic }) }]);
  takeOne(intake, frame, { vlanId });
  return intake;
}

function takeOne(
  intake: Intake,
  frame: Uint8Array,
  { vlanId = vlanInFrame, packetType = packetTypes.host as number, verdict = 0, timestampUs = 0 },
): void {
  const frames = createFrameColumns(1);
  frames.count = 1;
  frames.capturedLength[0] = frame.length;
  frames.wireLength[0] = frame.length;
  frames.linkType[0] = linkTypeEthernet;
  frames.packetType[0] = packetType;
  frames.vlanId[0] = vlanId;
  frames.verdict[0] = verdict;
  frames.timestampUs[0] = timestampUs;
  takeFrames(intake, frame, new DataView(frame.buffer, frame.byteOffset, frame.length), frames);
}

const countsOf = ({ counts }: Intake): { notIp: number; selected: number } => ({
  notIp: counts.notIp,
  selected: counts.classes.reduce((sum, count) => sum + count),
});

const sourceOf = ({ rows }: Intake): string => formatAddress(new Uint8Array(rows.addresses.buffer), 0);

describe("the time up to which an intake has read", () => {
  it("is that of its last frame, be it no IP or of a clock that was set back", () => {
    const intake = createIntake(3, point);
    const lastUs = [ethernet(0x0806, new Uint8Array(28)), userFrame4(1), userFrame4(1)].map(
      (frame, index) => {
        takeOne(intake, frame, { timestampUs: [7_000_000, 9_000_000, 8_000_000][index]! });
        return intake.lastUs;
      },
    );
    expect(lastUs).toEqual([7_000_000, 9_000_000, 8_000_000]);
  });
});

describe("the intake and encapsulations", () => {
  it("meters a tunnel by its outer header, unless it is switched on", () => {
    const frame = outer4(1, 47, gre(0x0800, user4(1)));
    expect(sourceOf(take(frame))).toBe("192.0.2.1");
    expect(sourceOf(take(frame, { gre: true }))).toBe("10.1.0.1");
  });

  it("leaves PPPoE to the ppp device, unless it is switched on", () => {
    const frame = ethernet(0x8864, pppoe(ppp(0x0021, user4(2))));
    expect(countsOf(take(frame))).toEqual({ notIp: 1, selected: 0 });
    expect(countsOf(take(frame, { pppoe: true }))).toEqual({ notIp: 0, selected: 1 });
  });

  it("counts a tag that the kernel took out as one that is in the frame", () => {
    const tagged = take(userFrame4(3), {}, 12);
    expect([tagged.rows.vlanId[0], countsOf(tagged).selected]).toEqual([12, 1]);
    expect(countsOf(take(userFrame4(3), { vlan: false }, 12))).toEqual({ notIp: 1, selected: 0 });
    expect(countsOf(take(userFrame4(3), { vlan: false }))).toEqual({ notIp: 0, selected: 1 });
  });
});

describe("the intake and several subjects", () => {
  const filters: readonly TrafficFilter[] = [
    allTraffic,
    { trafficType: "all", ipVersions: [6] },
    { trafficType: "accept", ipVersions: [4, 6] },
    { trafficType: "reject", ipVersions: [4] },
  ];
  const scopes = ["interface", "gateway"] as const;
  const policies: readonly MeterPolicy[] = [
    { kind: "aging", activeTimeoutUs: 60e6, inactiveTimeoutUs: 10e6 },
    { kind: "window", windowUs: 60e6 },
  ];

  it("decodes each frame once, gives each meter what its filter says, and the ledger's sums are theirs", () => {
    const subjects = scopes.flatMap((scope) =>
      filters.flatMap((filter) =>
        policies.map((policy) => {
          const meter = createMeter({ policy, flowsMax: 100, emit: () => undefined });
          return { meter, scope, filter, classes: trafficClassesOf({ scope, filter }) };
        }),
      ),
    );
    const intake = createIntake(3, point);
    attachMeters(intake, subjects);
    // Port by port: IPv4 and IPv6, with each verdict, coming in and forwarded out.
    const shapes = [userFrame4, userFrame6].flatMap((frameOf) =>
      Object.values(verdicts).flatMap((verdict) =>
        [packetTypes.host, packetTypes.outgoing].map((packetType) => ({ frameOf, verdict, packetType })),
      ),
    );
    const rounds = 10;
    for (let round = 0; round < rounds; round++) {
      for (const [index, { frameOf, verdict, packetType }] of shapes.entries()) {
        takeOne(intake, frameOf(index + 1), { verdict, packetType });
      }
    }
    flushIntake(intake);

    expect(intake.decoder.outcomes[decodeOutcomes.packet]).toBe(shapes.length * rounds);
    for (const { meter, scope, filter, classes } of subjects) {
      const wanted = shapes.filter(({ frameOf, verdict, packetType }) => {
        const version = frameOf === userFrame4 ? 4 : 6;
        if (!filter.ipVersions.includes(version)) return false;
        if (scope === "gateway" && packetType === packetTypes.outgoing) return false;
        if (filter.trafficType === "all") return true;
        return verdict === (filter.trafficType === "accept" ? verdicts.accepted : verdicts.rejected);
      });
      expect(meter.statistics.packets).toBe(wanted.length * rounds);
      const counted = intake.counts.classes.reduce(
        (sum, count, trafficClass) => sum + ((classes & (1 << trafficClass)) === 0 ? 0 : count),
        0,
      );
      expect(counted).toBe(wanted.length * rounds);
    }
  });
});
