/** Transport headers: the ports and flags that a flow is told apart by. */
import type { PacketColumns } from "./columns.ts";

export const transportProtocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

/**
 * Writes protocol, ports and TCP control bits of `row` from the header at `at`. `end` is where the packet
 * or its captured part ends, whichever comes first: a field that is not there in full is 0.
 */
export function decodeTransport(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  protocol: number,
  packets: PacketColumns,
  row: number,
): void {
  packets.protocol[row] = protocol;
  packets.tcpControlBits[row] = 0;
  packets.ports[row] = 0;
  switch (protocol) {
    case transportProtocols.tcp:
      if (at + 4 <= end) packets.ports[row] = view.getUint32(at);
      // The twelve bits of RFC 9293 section 3.1 and RFC 9565: the offset's four are not among them.
      if (at + 14 <= end) packets.tcpControlBits[row] = view.getUint16(at + 12) & 0x0fff;
      return;
    case transportProtocols.udp:
    case transportProtocols.sctp:
      if (at + 4 <= end) packets.ports[row] = view.getUint32(at);
      return;
    case transportProtocols.icmp:
    case transportProtocols.icmpv6:
      if (at + 2 <= end) packets.ports[row] = (bytes[at]! << 8) | bytes[at + 1]!;
      return;
    default:
  }
}
