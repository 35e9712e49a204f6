/** Headers of the encapsulations, put together as their standards draw them. */
import { join, u16, u32, u8, udp } from "../../test/wire/packet/frames.ts";

/** A label stack; the last entry is marked as the bottom. */
export function mpls(labels: readonly number[], payload: Uint8Array): Uint8Array {
  const last = labels.length - 1;
  const entries = labels.map((label, index) => u32(label * 4096 + (index === last ? 0x100 : 0) + 64));
  return join(...entries, payload);
}

export function ppp(protocol: number, payload: Uint8Array): Uint8Array {
  return join(u16(protocol), payload);
}

export function pppoe(payload: Uint8Array, code = 0): Uint8Array {
  return join(u8(0x11, code), u16(7, payload.length), payload);
}

export interface GreFields {
  checksum?: boolean;
  routing?: boolean;
  key?: number;
  sequence?: number;
}

/** RFC 2784 and 2890. */
export function gre(protocolType: number, payload: Uint8Array, fields: GreFields = {}): Uint8Array {
  const { key, sequence } = fields;
  const hasChecksum = (fields.checksum ?? false) || (fields.routing ?? false);
  const flags =
    ((fields.checksum ?? false) ? 0x8000 : 0) |
    ((fields.routing ?? false) ? 0x4000 : 0) |
    (key === undefined ? 0 : 0x2000) |
    (sequence === undefined ? 0 : 0x1000);
  const optional = join(
    hasChecksum ? u32(0) : u8(),
    key === undefined ? u8() : u32(key),
    sequence === undefined ? u8() : u32(sequence),
  );
  return join(u16(flags, protocolType), optional, payload);
}

/** RFC 2637: key of payload length and call, sequence and acknowledgement numbers. */
export function pptp(payload: Uint8Array): Uint8Array {
  return join(u16(0x3081, 0x880b, payload.length, 9), u32(1, 1), payload);
}

export function erspan2(vlanId: number, frame: Uint8Array, isTruncated = false): Uint8Array {
  return join(u16(0x1000 | vlanId, (isTruncated ? 0x0400 : 0) | 3), u32(5), frame);
}

/** `frameType` 0 is Ethernet, 2 is IP. */
export function erspan3(
  vlanId: number,
  frame: Uint8Array,
  { frameType = 0, subheader = u8() }: { frameType?: number; subheader?: Uint8Array } = {},
): Uint8Array {
  const platform = (frameType << 10) | (subheader.length > 0 ? 1 : 0);
  return join(u16(0x2000 | vlanId, 3), u32(0x12345678), u16(0, platform), subheader, frame);
}

export function vxlan(frame: Uint8Array, flags = 0x08): Uint8Array {
  return join(u8(flags, 0, 0, 0), u32(77 << 8), frame);
}

export function geneve(
  protocolType: number,
  payload: Uint8Array,
  { options = u8(), flags = 0 }: { options?: Uint8Array; flags?: number } = {},
): Uint8Array {
  return join(u8(options.length / 4, flags), u16(protocolType), u32(77 << 8), options, payload);
}

/** A user's packet, or another message of `type`; `optional` is what the flags announce. */
export function gtpu(
  payload: Uint8Array,
  { flags = 0, type = 255, optional = u8() }: { flags?: number; type?: number; optional?: Uint8Array } = {},
): Uint8Array {
  return join(u8(0x30 | flags, type), u16(optional.length + payload.length), u32(0xabcd), optional, payload);
}

export function udpTo(port: number, payload: Uint8Array): Uint8Array {
  return udp(50_000, port, payload);
}
