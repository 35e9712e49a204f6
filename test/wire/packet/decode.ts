/** One frame in, one readable packet or outcome out. */
import { formatAddress } from "../../../src/base/mod.ts";
import {
  createPacketColumns,
  createPacketDecoder,
  decodeFrame,
  decodeOutcomeNames,
  linkTypes,
  type PacketDecoder,
} from "../../../src/wire/packet/mod.ts";

export interface DecodedPacket {
  source: string;
  destination: string;
  sourcePort: number;
  destinationPort: number;
  protocol: number;
  octets: number;
  ipVersion: number;
  tos: number;
  tcpControlBits: number;
  vlanId: number;
}

export interface DecodeCase {
  linkType?: number;
  wireLength?: number;
  decoder?: PacketDecoder;
  timestampUs?: number;
}

/** The packet in `frame`, or the name of its outcome. The frame stands amid other bytes, as in a real buffer. */
export function decode(frame: Uint8Array, options: DecodeCase = {}): DecodedPacket | string {
  const decoder = options.decoder ?? createPacketDecoder();
  const packets = createPacketColumns(2);
  for (const column of Object.values(packets)) {
    if (ArrayBuffer.isView(column)) new Uint8Array(column.buffer).fill(0xee);
  }
  const bytes = new Uint8Array(frame.length + 100).fill(0x45);
  bytes.set(frame, 33);
  packets.timestampUs[1] = options.timestampUs ?? 0;
  const outcome = decodeFrame(
    decoder,
    bytes,
    new DataView(bytes.buffer),
    33,
    frame.length,
    options.wireLength ?? frame.length,
    options.linkType ?? linkTypes.ethernet,
    packets,
    1,
  );
  if (outcome !== 0) return decodeOutcomeNames[outcome]!;
  const addresses = new Uint8Array(packets.addresses.buffer);
  return {
    source: formatAddress(addresses, 32),
    destination: formatAddress(addresses, 48),
    sourcePort: packets.ports[1]! >>> 16,
    destinationPort: packets.ports[1]! & 0xffff,
    protocol: packets.protocol[1]!,
    octets: packets.octets[1]!,
    ipVersion: packets.ipVersion[1]!,
    tos: packets.ipClassOfService[1]!,
    tcpControlBits: packets.tcpControlBits[1]!,
    vlanId: packets.vlanId[1]!,
  };
}
