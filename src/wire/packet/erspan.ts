/** ERSPAN, types II and III (draft-foschiano-erspan): mirrored frames in GRE. */
import { decodeEthernet } from "./ethernet.ts";
import { stepByIpVersion } from "./ip-version.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const version2 = 1;
const version3 = 2;
const vlanMask = 0x0fff;
const truncatedFlag = 0x0400;
const frameTypes = { ethernet: 0, ip: 2 } as const;
const subheaderFlag = 0x0001;
const frameBytesMax = 65_535 + 14;

/** Consumes the header of type II. */
export function decodeErspan2(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 8 > decoder.end) return endedEarly(decoder, at + 8);
  if (view.getUint16(at) >>> 12 !== version2) return decodeOutcomes.malformed;
  takeFrameHeader(decoder, view, at, 8);
  return decodeEthernet(decoder, view);
}

/** Consumes the header of type III, and the subheader of the mirroring platform that may follow it. */
export function decodeErspan3(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 12 > decoder.end) return endedEarly(decoder, at + 12);
  if (view.getUint16(at) >>> 12 !== version3) return decodeOutcomes.malformed;
  const platform = view.getUint16(at + 10);
  takeFrameHeader(decoder, view, at, (platform & subheaderFlag) === 0 ? 12 : 20);
  const frameType = (platform >>> 10) & 0x1f;
  if (frameType === frameTypes.ethernet) return decodeEthernet(decoder, view);
  return frameType === frameTypes.ip ? stepByIpVersion(decoder, bytes) : decodeOutcomes.notIp;
}

/**
 * The VLAN is the one that the mirrored port saw. A frame that the mirror cut was longer than what is
 * carried of it, so that the length in its own IP header is believed.
 */
function takeFrameHeader(decoder: PacketDecoder, view: DataView, at: number, headerBytes: number): void {
  if (decoder.vlanId === 0) decoder.vlanId = view.getUint16(at) & vlanMask;
  decoder.at = at + headerBytes;
  if ((view.getUint16(at + 2) & truncatedFlag) !== 0) decoder.wireEnd = decoder.at + frameBytesMax;
}
