/** GRE (RFC 2784, RFC 2890), and the enhanced GRE of PPTP (RFC 2637). */
import { leaveTunnel, limitPayload } from "./encapsulation.ts";
import { decodeErspan2, decodeErspan3 } from "./erspan.ts";
import { etherTypeMin } from "./ether-type.ts";
import { decodeEthernet } from "./ethernet.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { decodePpp } from "./ppp.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const flags = {
  checksum: 0x8000,
  routing: 0x4000,
  key: 0x2000,
  sequence: 0x1000,
  acknowledgement: 0x0080,
} as const;
const versionMask = 0x0007;
const enhancedVersion = 1;

/** What GRE may carry besides what Ethernet may. */
const protocolTypes = { ethernet: 0x6558, ppp: 0x880b, erspan2: 0x88be, erspan3: 0x22eb } as const;

/** Consumes the GRE header and, with ERSPAN, the header behind it. */
export function decodeGre(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + 4 > decoder.end) return endedEarly(decoder, at + 4);
  const header = view.getUint16(at);
  const protocolType = view.getUint16(at + 2);
  const isErspan = protocolType === protocolTypes.erspan2 || protocolType === protocolTypes.erspan3;
  if (!(isErspan ? decoder.encapsulations.erspan : decoder.encapsulations.gre)) return leaveTunnel(decoder);
  if ((header & versionMask) === enhancedVersion) return decodeEnhanced(decoder, bytes, view, header);
  // Source routes (RFC 1701) were given up before anyone used them, and have no bound.
  if ((header & versionMask) !== 0 || (header & flags.routing) !== 0) return decodeOutcomes.notIp;
  const hasSequence = (header & flags.sequence) !== 0;
  const checksumBytes = (header & flags.checksum) === 0 ? 0 : 4;
  const keyBytes = (header & flags.key) === 0 ? 0 : 4;
  decoder.at = at + 4 + checksumBytes + keyBytes + (hasSequence ? 4 : 0);
  switch (protocolType) {
    case protocolTypes.ethernet:
      return decodeEthernet(decoder, view);
    case protocolTypes.erspan2:
      // Type I has no header of its own, and is told from type II by the sequence number that it lacks.
      return hasSequence ? decodeErspan2(decoder, view) : decodeEthernet(decoder, view);
    case protocolTypes.erspan3:
      return decodeErspan3(decoder, bytes, view);
    default:
      return protocolType >= etherTypeMin ? protocolType : decodeOutcomes.notIp;
  }
}

/** PPTP's data: PPP, if the ends have not agreed to encrypt or compress it. */
function decodeEnhanced(
  decoder: PacketDecoder,
  bytes: Uint8Array,
  view: DataView,
  header: number,
): DecodeStep {
  const at = decoder.at;
  if (at + 8 > decoder.end) return endedEarly(decoder, at + 8);
  if (view.getUint16(at + 2) !== protocolTypes.ppp || (header & flags.key) === 0)
    return decodeOutcomes.malformed;
  // A packet that only acknowledges carries no payload.
  if ((header & flags.sequence) === 0) return decodeOutcomes.notIp;
  decoder.at = at + 12 + ((header & flags.acknowledgement) === 0 ? 0 : 4);
  limitPayload(decoder, decoder.at, view.getUint16(at + 4));
  return decodePpp(decoder, bytes, view);
}
