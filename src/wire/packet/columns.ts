/**
 * Decoded packets as columns: what the packet decoder fills and the meter reads.
 *
 * A handful of rows (32) is decoded before the meter touches its table, so that the table's cache misses
 * overlap. One row is one IP packet that could be attributed to a flow; frames that are not (ARP, LLDP,
 * damaged ones) are counted by the decoder and take no row.
 */
export interface PacketColumns {
  readonly capacity: number;
  count: number;
  /** Capture time, microseconds since 1970; an integer. */
  readonly timestampUs: Float64Array<ArrayBuffer>;
  /** Layer-3 octets: IP header and payload, never link header, padding or trailer. */
  readonly octets: Uint32Array<ArrayBuffer>;
  /** Eight words a row: source, then destination, network byte order in memory, IPv4 as IPv4-mapped. */
  readonly addresses: Uint32Array<ArrayBuffer>;
  /** Source port × 65536 + destination port; for ICMP type × 256 + code as the destination port. */
  readonly ports: Uint32Array<ArrayBuffer>;
  readonly protocol: Uint8Array<ArrayBuffer>;
  readonly ipVersion: Uint8Array<ArrayBuffer>;
  readonly ipClassOfService: Uint8Array<ArrayBuffer>;
  readonly tcpControlBits: Uint16Array<ArrayBuffer>;
  /** Outermost VLAN id; 0 if untagged. */
  readonly vlanId: Uint16Array<ArrayBuffer>;
  /** ifIndex the packet was seen on; 0 where there is none (a classic pcap file). */
  readonly interfaceIndex: Uint32Array<ArrayBuffer>;
  /** flowDirections of flow/: 0 ingress, 1 egress, 255 not known. */
  readonly direction: Uint8Array<ArrayBuffer>;
  /** verdicts of flow/: 0 where the source does not tell. The decoder leaves it alone. */
  readonly verdict: Uint8Array<ArrayBuffer>;
}

export function createPacketColumns(capacity: number): PacketColumns {
  return {
    capacity,
    count: 0,
    timestampUs: new Float64Array(capacity),
    octets: new Uint32Array(capacity),
    addresses: new Uint32Array(capacity * 8),
    ports: new Uint32Array(capacity),
    protocol: new Uint8Array(capacity),
    ipVersion: new Uint8Array(capacity),
    ipClassOfService: new Uint8Array(capacity),
    tcpControlBits: new Uint16Array(capacity),
    vlanId: new Uint16Array(capacity),
    interfaceIndex: new Uint32Array(capacity),
    direction: new Uint8Array(capacity),
    verdict: new Uint8Array(capacity),
  };
}
