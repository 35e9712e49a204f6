/** VLAN tags (IEEE 802.1Q and 802.1ad). */
import { etherTypeMin } from "./ether-type.ts";
import { decodeLlc } from "./ethernet.ts";
import { decodeOutcomes, type DecodeStep } from "./outcome.ts";
import { endedEarly, type PacketDecoder } from "./state.ts";

/**
 * Consumes one tag. The packet's VLAN is the outermost id that names one: id 0 is a priority tag, which
 * belongs to no VLAN (802.1Q section 9.6).
 */
export function decodeVlanTag(decoder: PacketDecoder, view: DataView): DecodeStep {
  if (!decoder.encapsulations.vlan) return decodeOutcomes.notIp;
  const at = decoder.at;
  if (at + 4 > decoder.end) return endedEarly(decoder, at + 4);
  if (decoder.vlanId === 0) decoder.vlanId = view.getUint16(at) & 0x0fff;
  decoder.at = at + 4;
  const typeOrLength = view.getUint16(at + 2);
  return typeOrLength >= etherTypeMin ? typeOrLength : decodeLlc(decoder, view);
}
