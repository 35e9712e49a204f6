/**
 * Columns handed to the engine where they lie, through chDB's Arrow C data hook.
 *
 * The hook is chDB's own and not part of its public interface, so a test at start proves that every type
 * used here arrives as it was sent; where it does not, rows go as text instead.
 */
import chdb from "chdb";

import type { Connection } from "./engine.ts";

interface ArrowColumn {
  readonly name: string;
  /** Format string of the Arrow C data interface: C, S, I, L unsigned, g float64, w:16 fixed bytes. */
  readonly format: string;
  readonly length: number;
  readonly nullCount: number;
  readonly buffers: readonly (Buffer | null)[];
}

interface ArrowHook {
  _arrowRegisterColumns(connection: unknown, name: string, columns: readonly ArrowColumn[]): void;
  _arrowUnregister(connection: unknown, name: string): void;
}

const formats = { u8: "C", u16: "S", u32: "I", u64: "L", f64: "g", address: "w:16" } as const;
export type ArrowType = keyof typeof formats;

/** A column of `length` values over the memory of `values`. */
export function arrowColumn(
  name: string,
  type: ArrowType,
  length: number,
  values: ArrayBufferView<ArrayBuffer>,
): ArrowColumn {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return { name, format: formats[type], length, nullCount: 0, buffers: [null, bytes] };
}

/** Runs a statement that reads the columns as `arrowstream('block')`, once. */
export function runOverColumns(
  connection: Connection,
  columns: readonly ArrowColumn[],
  sql: string,
  format = "Null",
): Promise<Uint8Array> {
  const hook = chdb as unknown as ArrowHook;
  return connection.use(async (session) => {
    hook._arrowRegisterColumns(session.connection, "block", columns);
    try {
      return (await session.queryAsync(sql, { format })).bytes();
    } finally {
      hook._arrowUnregister(session.connection, "block");
    }
  });
}

const expected = [
  '[1, 2, 3, "5000000004", 9007199254740991, "::ffff:192.0.2.1"]',
  '[255, 65535, 4294967295, "18446744073709551615", 0, "2001:db8::1"]',
  "",
].join("\n");

/** Whether columns of every type arrive as they were sent. Faults of the hook are an answer of false. */
export async function testArrow(connection: Connection): Promise<boolean> {
  const addresses = Uint8Array.fromHex("00000000000000000000ffffc000020120010db8000000000000000000000001");
  const columns = [
    arrowColumn("a", "u8", 2, Uint8Array.of(1, 255)),
    arrowColumn("b", "u16", 2, Uint16Array.of(2, 65_535)),
    arrowColumn("c", "u32", 2, Uint32Array.of(3, 0xff_ff_ff_ff)),
    arrowColumn("d", "u64", 2, BigUint64Array.of(5_000_000_004n, 0xff_ff_ff_ff_ff_ff_ff_ffn)),
    arrowColumn("e", "f64", 2, Float64Array.of(Number.MAX_SAFE_INTEGER, 0)),
    arrowColumn("f", "address", 2, addresses),
  ];
  const sql = "SELECT a, b, c, toString(d), e, CAST(assumeNotNull(f) AS IPv6) FROM arrowstream('block')";
  try {
    const answer = await runOverColumns(connection, columns, sql, "JSONCompactEachRow");
    return new TextDecoder().decode(answer) === expected;
  } catch {
    return false;
  }
}
