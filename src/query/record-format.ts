/**
 * Record formats: what a stored flow looks like as a log of the service that delivered it.
 *
 * A format names each field of the record, says how the search language indexes it, and gives the
 * expression over the store's columns that yields its value. Search, output and the index description
 * of the dialects are all driven by it; a second service's records are one more file beside sag-record.ts.
 */
/**
 * How a field is indexed and stored:
 * - `long`: an integer; the expression is a ClickHouse unsigned integer.
 * - `text`: split into tokens at the format's delimiters; the expression is a String.
 * - `exact`: text that is one token whatever it contains (`__topic__`, `__source__`).
 * - `address`: text whose value is an IP address; the expression is an IPv6 with IPv4 mapped into it.
 */
export type RecordFieldKind = "long" | "text" | "exact" | "address";

export interface RecordField {
  readonly name: string;
  readonly kind: RecordFieldKind;
  /**
   * ClickHouse expression over the store's columns. Written by us, never by a user. One that reads a port is
   * that port or NULL: a rollup tier knows high ports only as one.
   */
  readonly expression: string;
  /** ClickHouse condition under which a row has the field; absent, every row. A search finds it there alone. */
  readonly presence?: string;
  /** Of a text: that each value is one word, without delimiters, so that it need not be cut into words. */
  readonly isWord?: boolean;
  /** Of a text that is one word: every value that it can have. A search for any other word passes it over. */
  readonly values?: readonly string[];
  /** What a record shows where the row lacks the field; absent, it shows no such field. */
  readonly shownAs?: string;
}

export interface RecordFormat {
  readonly name: string;
  /** The reserved fields `__topic__` and `__source__`: searched by name, never by a bare word. */
  readonly topic: RecordField;
  readonly source: RecordField;
  /** The fields of the record in the order in which they are shown. */
  readonly fields: readonly RecordField[];
  /** Characters at which text is split into tokens, in records and in search words alike. */
  readonly delimiters: string;
}

/**
 * The service's default delimiters without the colon, so that an IPv6 address is one token.
 * Lower case and upper case of A–Z are the same to a search; other letters are compared as they are.
 */
export const recordDelimiters = ", '\";=()[]{}?@&<>/\n\t\r";

/** One log: reserved fields and record fields, every value text. */
export type LogRecord = Record<string, string>;

/** The field's value, NULL where a row lacks it. */
export function valueExpression({ expression, presence }: RecordField): string {
  return presence === undefined ? expression : `if(${presence}, ${expression}, NULL)`;
}

/** The text of a field whose value this is, null where the row lacks it; undefined for none. */
export function fieldText({ kind, shownAs }: RecordField, value: unknown): string | undefined {
  if (value === null || value === undefined) return shownAs;
  return kind === "address" ? addressText(cellText(value)) : cellText(value);
}

/** A cell of the store's answer, where 64-bit integers may be text already. */
export function cellText(cell: unknown): string {
  return typeof cell === "string" ? cell : `${Number(cell)}`;
}

/** The store writes an IPv4 address as IPv4-mapped IPv6; a record shows the dotted quad. */
function addressText(stored: string): string {
  return stored.replace(/^::ffff:(?=\d+\.)/u, "");
}

/** The tokens of a text: what is left between delimiters, A–Z lowered. */
export function tokensOf(text: string, delimiters: string): string[] {
  const tokens: string[] = [];
  let token = "";
  for (const character of lowerAscii(text)) {
    if (!delimiters.includes(character)) token += character;
    else if (token !== "") {
      tokens.push(token);
      token = "";
    }
  }
  if (token !== "") tokens.push(token);
  return tokens;
}

/** Lowers A–Z alone, as ClickHouse's lower() does. */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/gu, (letters) => letters.toLowerCase());
}
