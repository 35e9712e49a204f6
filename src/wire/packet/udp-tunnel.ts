/** Tunnels over UDP, which are told by the destination port alone. */
import { leaveTunnel, limitPayload } from "./encapsulation.ts";
import { decodeGeneve } from "./geneve.ts";
import { decodeGtpu } from "./gtpu.ts";
import type { DecodeStep } from "./outcome.ts";
import type { PacketDecoder } from "./state.ts";
import { decodeVxlan } from "./vxlan.ts";

const headerBytes = 8;

/** Ports of the IANA registry, and the one that Linux's VXLAN had before there was a registered one. */
const ports = { vxlan: 4789, vxlanLinux: 8472, geneve: 6081, gtpu: 2152 } as const;

/** Consumes the UDP header of a datagram to a tunnel's port. */
export function decodeUdpTunnel(decoder: PacketDecoder, bytes: Uint8Array, view: DataView): DecodeStep {
  const at = decoder.at;
  if (at + headerBytes > decoder.end) return leaveTunnel(decoder);
  const destinationPort = view.getUint16(at + 2);
  if (!isTunnel(decoder, destinationPort)) return leaveTunnel(decoder);
  // The length is 0 where it has no room for the truth (RFC 2675) or was left to an offload.
  const length = view.getUint16(at + 4);
  if (length >= headerBytes) limitPayload(decoder, at, length);
  decoder.at = at + headerBytes;
  switch (destinationPort) {
    case ports.geneve:
      return decodeGeneve(decoder, view);
    case ports.gtpu:
      return decodeGtpu(decoder, bytes, view);
    default:
      return decodeVxlan(decoder, view);
  }
}

function isTunnel({ encapsulations }: PacketDecoder, destinationPort: number): boolean {
  switch (destinationPort) {
    case ports.vxlan:
    case ports.vxlanLinux:
      return encapsulations.vxlan;
    case ports.geneve:
      return encapsulations.geneve;
    case ports.gtpu:
      return encapsulations.gtpu;
    default:
      return false;
  }
}
