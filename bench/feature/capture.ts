/** The feature capture: every case's frames in one pcapng file, with an interface for each link type. */
import { concat, enhancedPacket, interfaceDescription, sectionHeader } from "../../test/wire/pcap/files.ts";
import type { CutFrame, FeatureCase } from "./case.ts";
import { ipCases } from "./cases-ip.ts";
import { linkCases } from "./cases-link.ts";
import { tunnelCases } from "./cases-tunnel.ts";
import { udpCases } from "./cases-udp.ts";

export const featureCases: readonly FeatureCase[] = [...ipCases, ...linkCases, ...tunnelCases, ...udpCases];

export const ethernetLinkType = 1;

export interface FeatureFrame extends CutFrame {
  readonly linkType: number;
  readonly timestampUs: number;
}

/** 2027-01-15, a millisecond a frame. */
const startUs = 1_800_000_000_000_000;
const gapUs = 1000;

/** The frames of `cases`, in their order, as a capture would have them. */
export function featureFrames(cases: readonly FeatureCase[]): FeatureFrame[] {
  const frames = cases.flatMap(({ linkType = ethernetLinkType, frames }) =>
    frames.map((frame) => ({
      linkType,
      ...("bytes" in frame ? frame : { bytes: frame, wireLength: frame.length }),
    })),
  );
  return frames.map((frame, index) => ({ ...frame, timestampUs: startUs + index * gapUs }));
}

/** A pcapng file of `frames`. */
export function captureOf(frames: readonly FeatureFrame[]): Uint8Array {
  const linkTypes = [...new Set(frames.map(({ linkType }) => linkType))];
  return concat(
    sectionHeader(true),
    ...linkTypes.map((linkType) => interfaceDescription(true, linkType)),
    ...frames.map(({ bytes, linkType, timestampUs, wireLength }) =>
      enhancedPacket(true, linkTypes.indexOf(linkType), BigInt(timestampUs), bytes, wireLength),
    ),
  );
}
