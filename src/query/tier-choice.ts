/**
 * Which of the store's tiers can answer a histogram, and which spans of theirs it must not use as a whole.
 *
 * A tier can answer a search that asks only for what the tier keeps. Of its spans, those that a border of
 * the range or of an interval cuts have flows of both sides: they are looked up in the next finer tier, and
 * in the end in the records.
 */
import { flowsTable, portColumns, type Tier, tiers } from "../store/mod.ts";
import type { RecordField, RecordFormat } from "./record-format.ts";
import type { Predicate } from "./search/plan.ts";

export interface Intervals {
  /** [from, to), seconds since 1970; intervals of the width begin at `fromS`. */
  readonly fromS: number;
  readonly toS: number;
  readonly widthS: number;
}

export interface TierUse {
  readonly tier: Tier;
  /** The spans that a border cuts, by their number since 1970. */
  readonly cut: readonly number[];
}

/** The tiers to ask, the coarsest first, each for what the one before cannot tell; none if they would not help. */
export function chooseTiers(intervals: Intervals, format: RecordFormat, predicate: Predicate): TierUse[] {
  const uses: TierUse[] = [];
  for (const tier of tiers.toReversed()) {
    const cut = cutSpans(intervals, tier.widthS);
    const isMostlyCut = cut.length * tier.widthS * 2 > intervals.toS - intervals.fromS;
    if (isMostlyCut || !keeps(tier, format.topic) || !answers(tier, predicate)) continue;
    uses.push({ tier, cut });
    if (cut.length === 0) break;
  }
  return uses;
}

/** The spans with a border inside, in order. */
function cutSpans({ fromS, toS, widthS }: Intervals, spanS: number): number[] {
  const cut: number[] = [];
  const add = (border: number): void => {
    const span = Math.floor(border / spanS);
    if (border % spanS !== 0 && span !== cut.at(-1)) cut.push(span);
  };
  // No record is later than this.
  const lastS = Math.min(toS, secondsMax);
  for (let border = fromS; border < lastS; border += widthS) add(border);
  add(lastS);
  return cut;
}

const secondsMax = 2 ** 32 - 1;

/** Whether the search finds the same in the tier's rows as in the records they are made of. */
function answers(tier: Tier, predicate: Predicate): boolean {
  switch (predicate.kind) {
    case "constant":
      return true;
    case "and":
    case "or":
      return predicate.operands.every((operand) => answers(tier, operand));
    case "not":
      return answers(tier, predicate.operand);
    case "exists":
    case "empty":
      return keeps(tier, predicate.field);
    case "number":
      return keeps(tier, predicate.field) && !(isPort(predicate.field) && splitsCap(tier, predicate.range));
    case "address":
    case "whole":
    case "token":
    case "phrase":
      return keeps(tier, predicate.field) && !isPort(predicate.field);
  }
}

type NumberRange = Extract<Predicate, { kind: "number" }>["range"];

/** Whether a range has some, but not all, of the ports that are one to the tier. */
function splitsCap({ portCap }: Tier, range: NumberRange): boolean {
  const low = range.low ?? 0n;
  const high = range.high ?? BigInt(portMax);
  const hasAll = low <= portCap && high >= portMax;
  const hasNone = low > portMax || high < portCap;
  return !hasAll && !hasNone;
}

const portMax = 65_535;

function keeps({ columns }: Tier, field: RecordField): boolean {
  return columnsOf(field).every((column) => columns.has(column));
}

function isPort(field: RecordField): boolean {
  return columnsOf(field).some((column) => portColumns.has(column));
}

/** The columns of the flow table that the field's expressions name. */
function columnsOf({ expression, presence = "" }: RecordField): string[] {
  const words =
    `${expression} ${presence}`.replaceAll(/'(?:[^'\\]|\\.)*'/gu, "").match(/[A-Za-z_]\w*/gu) ?? [];
  return words.filter((word) => columnNames.has(word));
}

const columnNames: ReadonlySet<string> = new Set(flowsTable.columns.map(({ name }) => name));
