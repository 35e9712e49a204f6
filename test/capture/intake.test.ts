import { describe, expect, it } from "vitest";

import { outer4, user4, userFrame4 } from "../../bench/feature/case.ts";
import { gre, ppp, pppoe } from "../../bench/feature/headers.ts";
import { formatAddress } from "../../src/base/mod.ts";
import { defaultCaptureConfig } from "../../src/capture/config.ts";
import { createFrameColumns, linkTypeEthernet, vlanInFrame } from "../../src/capture/frames.ts";
import { attachMeters, createIntake, type Intake, takeFrames } from "../../src/capture/intake.ts";
import { allTraffic } from "../../src/capture/plan.ts";
import { trafficClassesOf } from "../../src/capture/traffic-class.ts";
import { packetTypes } from "../../src/capture/ring/layout.ts";
import { createMeter } from "../../src/meter/mod.ts";
import type { EncapsulationSwitches } from "../../src/wire/packet/mod.ts";
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
  const frames = createFrameColumns(1);
  frames.count = 1;
  frames.capturedLength[0] = frame.length;
  frames.wireLength[0] = frame.length;
  frames.linkType[0] = linkTypeEthernet;
  frames.packetType[0] = packetTypes.host;
  frames.vlanId[0] = vlanId;
  takeFrames(intake, frame, new DataView(frame.buffer, frame.byteOffset, frame.length), frames);
  return intake;
}

const countsOf = ({ counts }: Intake): { notIp: number; selected: number } => ({
  notIp: counts.notIp,
  selected: counts.classes.reduce((sum, count) => sum + count),
});

const sourceOf = ({ rows }: Intake): string => formatAddress(new Uint8Array(rows.addresses.buffer), 0);

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
