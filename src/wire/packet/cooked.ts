/** Linux cooked captures, version 1 (LINKTYPE_LINUX_SLL) and 2 (LINKTYPE_LINUX_SLL2). */
import { etherTypeMin } from "./ether-type.ts";
import { decodeLlc } from "./ethernet.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

const version1Bytes = 16;
const version2Bytes = 20;
const packetTypeOutgoing = 4;
/** What the protocol field says of a frame that has an LLC header (Linux ETH_P_802_2). */
const protocolLlc = 4;
const ingress = 0;
const egress = 1;

export function decodeLinuxSll(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + version1Bytes > decoder.end) return endedEarly(decoder, at + version1Bytes);
  decoder.direction = view.getUint16(at) === packetTypeOutgoing ? egress : ingress;
  decoder.at = at + version1Bytes;
  return followingStep(decoder, view, view.getUint16(at + 14));
}

export function decodeLinuxSll2(decoder: PacketDecoder, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + version2Bytes > decoder.end) return endedEarly(decoder, at + version2Bytes);
  decoder.interfaceIndex = view.getUint32(at + 4);
  decoder.direction = view.getUint8(at + 10) === packetTypeOutgoing ? egress : ingress;
  decoder.at = at + version2Bytes;
  return followingStep(decoder, view, view.getUint16(at));
}

/** The field holds an EtherType or one of Linux's own small numbers, which are no length here. */
function followingStep(decoder: PacketDecoder, view: DataView, protocol: number): DecodeStep {
  if (protocol >= etherTypeMin) return protocol;
  return protocol === protocolLlc ? decodeLlc(decoder, view) : decodeOutcomes.notIp;
}
