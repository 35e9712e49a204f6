/** GTP-U version 1 (3GPP TS 29.281), the user plane of mobile networks. */
import { limitPayload } from "./encapsulation.ts";
import { stepByIpVersion } from "./ip-version.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const headerBytes = 8;
/** Version 1 of GTP, not GTP prime. */
const versionAndType = 0x30;
/** Extension header, sequence number, N-PDU number: any of them brings the fields of all three. */
const optionalFieldFlags = 0x07;
const extensionFlag = 0x04;
const messageTypeUserData = 255;
/** The standard defines seven, none of which comes twice. */
const extensionsMax = 8;

/** Consumes the GTP-U header and its extension headers; echoes and other signalling are no user's packets. */
export function decodeGtpu(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + headerBytes > decoder.end) return endedEarly(decoder, at + headerBytes);
  const flags = bytes[at]!;
  if ((flags & 0xf0) !== versionAndType) return decodeOutcomes.malformed;
  if (bytes[at + 1] !== messageTypeUserData) return decodeOutcomes.notIp;
  limitPayload(decoder, at + headerBytes, view.getUint16(at + 2));
  decoder.at = at + headerBytes;
  if ((flags & optionalFieldFlags) !== 0) {
    const step = skipExtensions(decoder, bytes, (flags & extensionFlag) !== 0);
    if (step !== decodeOutcomes.packet) return step;
  }
  return stepByIpVersion(decoder, bytes, decodeOutcomes.notIp);
}

/** Steps over the optional fields and what they announce; `packet` if all of it is there. */
function skipExtensions(decoder: PacketDecoder, bytes: Uint8Array, announced: boolean): DecodeStep {
  let at = decoder.at + 4;
  if (at > decoder.end) return endedEarly(decoder, at);
  let next = announced ? bytes[at - 1]! : 0;
  for (let extensions = 0; next !== 0; extensions++) {
    if (extensions === extensionsMax) return decodeOutcomes.malformed;
    if (at >= decoder.end) return endedEarly(decoder, at + 1);
    const length = bytes[at]! * 4;
    if (length === 0) return decodeOutcomes.malformed;
    at += length;
    if (at > decoder.end) return endedEarly(decoder, at);
    next = bytes[at - 1]!;
  }
  decoder.at = at;
  return decodeOutcomes.packet;
}
