/**
 * The buffer that an encoder fills: one UDP payload.
 *
 * 1,400 bytes stay below the MTU of Ethernet with room for a tunnel or two, so that no export datagram is
 * ever fragmented; RFC 7011 section 10.3.3 asks for that.
 */

export const datagramBytesMax = 1400;

export interface ExportDatagram {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  /** Bytes in use. */
  length: number;
  /** Flows of the batch that this datagram completes; options data and templates are not flows. */
  flows: number;
  /** Sums over those flows, so that a datagram that could not be sent is counted as what it held. */
  packets: number;
  octets: number;
}

export function createExportDatagram(): ExportDatagram {
  const buffer = new ArrayBuffer(datagramBytesMax);
  return {
    bytes: new Uint8Array(buffer),
    view: new DataView(buffer),
    length: 0,
    flows: 0,
    packets: 0,
    octets: 0,
  };
}

/** Empties the datagram before it is filled again. */
export function resetDatagram(datagram: ExportDatagram): void {
  datagram.length = 0;
  datagram.flows = 0;
  datagram.packets = 0;
  datagram.octets = 0;
}

/** Writes an integer below 2^53 as eight bytes in network order; no BigInt is made. */
export function setUint64(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / 4294967296));
  view.setUint32(at + 4, value >>> 0);
}

/** Writes the low `length` bytes of an integer below 2^53 in network order; `length` is 1, 2, 4 or 8. */
export function setUnsigned(view: DataView, at: number, length: number, value: number): void {
  if (length === 1) view.setUint8(at, value);
  else if (length === 2) view.setUint16(at, value);
  else if (length === 4) view.setUint32(at, value);
  else setUint64(view, at, value);
}

const littleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Writes a word of an address column: its bytes lie in memory as the network has them. */
export function setAddressWord(view: DataView, at: number, word: number): void {
  view.setUint32(at, word, littleEndian);
}
