/** Capture files for tests, written field by field in either byte order. */

type Field = readonly [bytes: 1 | 2 | 4, value: number] | Uint8Array;

function write(littleEndian: boolean, ...fields: Field[]): Uint8Array {
  const length = fields.reduce(
    (sum, field) => sum + (field instanceof Uint8Array ? field.length : field[0]),
    0,
  );
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const field of fields) {
    if (field instanceof Uint8Array) {
      bytes.set(field, at);
      at += field.length;
      continue;
    }
    const [width, value] = field;
    if (width === 1) view.setUint8(at, value);
    else if (width === 2) view.setUint16(at, value, littleEndian);
    else view.setUint32(at, value, littleEndian);
    at += width;
  }
  return bytes;
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  return write(true, ...parts);
}

export interface FileOptions {
  littleEndian: boolean;
  nanoseconds?: boolean;
  linkType?: number;
  snapLength?: number;
}

export function classicHeader(options: FileOptions): Uint8Array {
  const magic = (options.nanoseconds ?? false) ? 0xa1b23c4d : 0xa1b2c3d4;
  const snapLength = options.snapLength ?? 262_144;
  return write(
    options.littleEndian,
    [4, magic],
    [2, 2],
    [2, 4],
    [4, 0],
    [4, 0],
    [4, snapLength],
    [4, options.linkType ?? 1],
  );
}

export function classicRecord(
  { littleEndian }: FileOptions,
  seconds: number,
  fraction: number,
  data: Uint8Array,
  wireLength = data.length,
): Uint8Array {
  return write(littleEndian, [4, seconds], [4, fraction], [4, data.length], [4, wireLength], data);
}

export function block(littleEndian: boolean, type: number, body: Uint8Array): Uint8Array {
  const padding = new Uint8Array((4 - (body.length % 4)) % 4);
  const length = 12 + body.length + padding.length;
  return write(littleEndian, [4, type], [4, length], body, padding, [4, length]);
}

export function sectionHeader(littleEndian: boolean, major = 1): Uint8Array {
  const unknownLength = new Uint8Array(8).fill(0xff);
  return block(
    littleEndian,
    0x0a0d0d0a,
    write(littleEndian, [4, 0x1a2b3c4d], [2, major], [2, 0], unknownLength),
  );
}

export function option(littleEndian: boolean, code: number, value: Uint8Array): Uint8Array {
  const padding = new Uint8Array((4 - (value.length % 4)) % 4);
  return write(littleEndian, [2, code], [2, value.length], value, padding);
}

export function interfaceDescription(
  littleEndian: boolean,
  linkType: number,
  options: Uint8Array = new Uint8Array(0),
  snapLength = 0,
): Uint8Array {
  return block(littleEndian, 1, write(littleEndian, [2, linkType], [2, 0], [4, snapLength], options));
}

export function enhancedPacket(
  littleEndian: boolean,
  interfaceId: number,
  ticks: bigint,
  data: Uint8Array,
  wireLength = data.length,
): Uint8Array {
  const times: Field[] = [
    [4, Number(ticks >> 32n)],
    [4, Number(ticks & 0xffffffffn)],
  ];
  const padding = new Uint8Array((4 - (data.length % 4)) % 4);
  const comment = option(littleEndian, 1, new TextEncoder().encode("a comment"));
  return block(
    littleEndian,
    6,
    write(
      littleEndian,
      [4, interfaceId],
      ...times,
      [4, data.length],
      [4, wireLength],
      data,
      padding,
      comment,
    ),
  );
}

export function obsoletePacket(
  littleEndian: boolean,
  interfaceId: number,
  ticks: bigint,
  data: Uint8Array,
): Uint8Array {
  const low = Number(ticks & 0xffffffffn);
  const fields: Field[] = [
    [2, interfaceId],
    [2, 7],
    [4, Number(ticks >> 32n)],
    [4, low],
    [4, data.length],
  ];
  return block(littleEndian, 2, write(littleEndian, ...fields, [4, data.length], data));
}

export function simplePacket(littleEndian: boolean, data: Uint8Array, wireLength = data.length): Uint8Array {
  return block(littleEndian, 3, write(littleEndian, [4, wireLength], data));
}
