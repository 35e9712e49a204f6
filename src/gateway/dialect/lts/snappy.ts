/**
 * Unpacks snappy's raw block form, in which clients of the log service may pack what they report.
 *
 * Source: Google's "Snappy compressed format description" (format_description.txt of its repository): the length of
 * what was packed as a varint, then elements, each a tag byte whose two low bits say what follows: a literal, or a
 * copy of what was unpacked before, with an offset of 1 byte and 3 bits, 2 bytes or 4 bytes.
 */
import { fail, ok, type Result } from "../../../base/mod.ts";

const lengthBytesMax = 5;
const tagKinds = { literal: 0, copyShort: 1, copyMedium: 2 } as const;
/** Lengths of a literal up to this stand in its tag; beyond, the tag says how many bytes hold the length less one. */
const literalInTagMax = 60;

/** Faults: `InputTooLarge` for more than `bytesMax` unpacked, `Malformed`. */
export function unpackSnappy(packed: Uint8Array, bytesMax: number): Result<Buffer> {
  const head = readLength(packed);
  if (head === null) return malformed();
  if (head.length > bytesMax) {
    return fail("InputTooLarge", "the body is too large when it is unpacked", { field: "body" });
  }
  const text = Buffer.alloc(head.length);
  let at = head.end;
  let written = 0;
  while (at < packed.length) {
    const element = readElement(packed, at);
    if (element === null || written + element.length > text.length) return malformed();
    const { length, offset, end } = element;
    if (offset === 0) {
      if (end + length > packed.length) return malformed();
      text.set(packed.subarray(end, end + length), written);
      at = end + length;
    } else {
      if (offset > written) return malformed();
      copyWithin(text, written, offset, length);
      at = end;
    }
    written += length;
  }
  return written === text.length ? ok(text) : malformed();
}

function readLength(packed: Uint8Array): { readonly length: number; readonly end: number } | null {
  let length = 0;
  for (let index = 0; index < Math.min(lengthBytesMax, packed.length); index++) {
    const byte = packed[index]!;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { length, end: index + 1 };
  }
  return null;
}

interface Element {
  readonly length: number;
  /** How far back a copy begins; 0 of a literal, whose bytes follow at `end`. */
  readonly offset: number;
  /** Where the element's own bytes end. */
  readonly end: number;
}

/** Null where the input ends within the element, or where a copy says that it is of nothing. */
function readElement(packed: Uint8Array, at: number): Element | null {
  const tag = packed[at]!;
  const kind = tag & 3;
  if (kind === tagKinds.literal) return readLiteral(packed, at, tag >> 2);
  const offsetBytes = kind === tagKinds.copyShort ? 1 : kind === tagKinds.copyMedium ? 2 : 4;
  const low = readLittleEndian(packed, at + 1, offsetBytes);
  if (low === null) return null;
  const isShort = kind === tagKinds.copyShort;
  const offset = isShort ? (tag >> 5) * 256 + low : low;
  const length = isShort ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
  return offset === 0 ? null : { length, offset, end: at + 1 + offsetBytes };
}

function readLiteral(packed: Uint8Array, at: number, inTag: number): Element | null {
  if (inTag < literalInTagMax) return { length: inTag + 1, offset: 0, end: at + 1 };
  const lengthBytes = inTag - literalInTagMax + 1;
  const less = readLittleEndian(packed, at + 1, lengthBytes);
  return less === null ? null : { length: less + 1, offset: 0, end: at + 1 + lengthBytes };
}

function readLittleEndian(packed: Uint8Array, at: number, count: number): number | null {
  if (at + count > packed.length) return null;
  let value = 0;
  for (let index = 0; index < count; index++) value += packed[at + index]! * 2 ** (8 * index);
  return value;
}

/** A copy may reach into what it is writing, and then repeats it. */
function copyWithin(text: Buffer, written: number, offset: number, length: number): void {
  if (offset >= length) {
    text.copyWithin(written, written - offset, written - offset + length);
    return;
  }
  for (let index = 0; index < length; index++) text[written + index] = text[written + index - offset]!;
}

function malformed(): Result<never> {
  return fail("Malformed", "the body is not snappy", { field: "body" });
}
