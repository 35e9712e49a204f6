/** What a reader of capture files fills: where frames lie in its buffer, and what the file says of them. */
export interface PcapFrames {
  readonly capacity: number;
  count: number;
  /** Where the frame begins in the reader's buffer. */
  readonly offset: Uint32Array<ArrayBuffer>;
  readonly capturedLength: Uint32Array<ArrayBuffer>;
  readonly wireLength: Uint32Array<ArrayBuffer>;
  /** Microseconds since 1970, an integer: finer clocks are cut, not rounded. */
  readonly timestampUs: Float64Array<ArrayBuffer>;
  /** LINKTYPE_ value of the pcap registry. */
  readonly linkType: Uint16Array<ArrayBuffer>;
  /** The interface's number within its section; 0 in a classic file. */
  readonly interfaceId: Uint32Array<ArrayBuffer>;
}

export function createPcapFrames(capacity: number): PcapFrames {
  return {
    capacity,
    count: 0,
    offset: new Uint32Array(capacity),
    capturedLength: new Uint32Array(capacity),
    wireLength: new Uint32Array(capacity),
    timestampUs: new Float64Array(capacity),
    linkType: new Uint16Array(capacity),
    interfaceId: new Uint32Array(capacity),
  };
}
