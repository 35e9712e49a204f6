/** Sets of NetFlow v9 (FlowSets, RFC 3954 section 5) and IPFIX (RFC 7011 section 3.3). */
import type { ExportDatagram } from "./datagram.ts";

/** Set id and length, 16 bits each. */
export const setHeaderBytes = 4;

/** Writes element and length of each field, 16 bits each; returns where they end. */
export function writeSpecifiers(
  view: DataView,
  at: number,
  fields: readonly { readonly element: number; readonly length: number }[],
): number {
  let end = at;
  for (const { element, length } of fields) {
    view.setUint16(end, element);
    view.setUint16(end + 2, length);
    end += 4;
  }
  return end;
}

/** Writes the header of the set that starts at `datagram.length`, and pads it with zeros to four bytes. */
export function closeSet(datagram: ExportDatagram, setId: number, end: number): void {
  const start = datagram.length;
  const padded = (end + 3) & ~3;
  datagram.bytes.fill(0, end, padded);
  datagram.view.setUint16(start, setId);
  datagram.view.setUint16(start + 2, padded - start);
  datagram.length = padded;
}
