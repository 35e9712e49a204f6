/**
 * Frames as columns: where each captured frame lies in its source's buffer and what the source says of it.
 * Every source (ring, tcpdump, file) fills these; the intake reads them.
 */
export interface FrameColumns {
  readonly capacity: number;
  count: number;
  /** Where the frame, or what `linkType` says is its first header, begins. */
  readonly offset: Uint32Array<ArrayBuffer>;
  readonly capturedLength: Uint32Array<ArrayBuffer>;
  readonly wireLength: Uint32Array<ArrayBuffer>;
  /** Microseconds since 1970; an integer. */
  readonly timestampUs: Float64Array<ArrayBuffer>;
  /** LINKTYPE_ value of the pcap registry. */
  readonly linkType: Uint16Array<ArrayBuffer>;
  /** sockaddr_ll.sll_pkttype; 255 where the source does not tell. */
  readonly packetType: Uint8Array<ArrayBuffer>;
  /** VLAN id that the kernel took out of the frame; `vlanInFrame` where it did not. */
  readonly vlanId: Uint16Array<ArrayBuffer>;
  /** verdicts of flow/; 0, and left alone, where the source does not tell. */
  readonly verdict: Uint8Array<ArrayBuffer>;
}

export const vlanInFrame = 0xffff;

/** LINKTYPE_ values of the pcap registry that the ring's frames have. */
export const linkTypeEthernet = 1;
export const linkTypeRawIp = 101;
/** No link type: a frame of a device without Ethernet header that carries no IP. */
export const linkTypeNotIp = 0xffff;

export function createFrameColumns(capacity: number): FrameColumns {
  return {
    capacity,
    count: 0,
    offset: new Uint32Array(capacity),
    capturedLength: new Uint32Array(capacity),
    wireLength: new Uint32Array(capacity),
    timestampUs: new Float64Array(capacity),
    linkType: new Uint16Array(capacity),
    packetType: new Uint8Array(capacity),
    vlanId: new Uint16Array(capacity),
    verdict: new Uint8Array(capacity),
  };
}
