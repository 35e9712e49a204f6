/**
 * One step of a rollup: the sums of some batches of a logstore into one part of each tier.
 *
 * The flows are summed once, as the finest tier has them, into a table in memory of which the tiers are made.
 * The strings that say whose a flow is are the same in a whole batch, so that a number stands for them until
 * the sums are stored: a key of numbers alone is summed by several times as fast.
 */
import { type Connection, selectRows } from "./engine.ts";
import { stringArray } from "./statement.ts";
import { flowsTable, rowsPerPosition, sourceColumns } from "./table.ts";
import {
  keyColumns,
  keyFields,
  portColumns,
  receivedDaySql,
  sumColumns,
  type Tier,
  tiers,
  typeOf,
} from "./tier.ts";

export interface RollupStep {
  readonly logstore: number;
  /** Days since 1970: that of receipt of every flow. */
  readonly day: number;
  /** The positions of whole batches, [from, to). */
  readonly fromPosition: number;
  readonly toPosition: number;
}

// One insert is one block is one part, as for the flows themselves.
const insertSettings =
  "max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 4194304, min_insert_block_size_bytes = 4294967296";

/** Adds the step to these tiers, the finest first. Throws the engine's error. */
export async function runStep(
  connection: Connection,
  step: RollupStep,
  into: readonly Tier[],
): Promise<void> {
  const sources = await readSources(connection, step);
  await summarise(connection, step, sources);
  for (const tier of into) await addToTier(connection, tier, step, sources);
  await connection.run("DROP TEMPORARY TABLE rolled");
}

interface Sources {
  /** Batches, and whose flows each has by its number in `values`. */
  readonly batches: readonly number[];
  readonly numbers: readonly number[];
  /** The source columns of each. */
  readonly values: readonly (readonly string[])[];
}

/** Whose the batches of the step are, as the first row of each says. */
async function readSources(connection: Connection, step: RollupStep): Promise<Sources> {
  const rows = await selectRows(
    connection,
    `SELECT intDiv(position, ${rowsPerPosition}), ${sourceColumns.join(", ")}
     FROM ${flowsTable.name} WHERE ${conditionOf(step)} AND bitAnd(position, ${rowsPerPosition - 1}) = 0
     SETTINGS max_threads = 1`,
  );
  const values: string[][] = [];
  const known = new Map<string, number>();
  const numbers = rows.map(([, ...cells]) => {
    const key = JSON.stringify(cells);
    const number = known.get(key) ?? values.push(cells.map(String)) - 1;
    known.set(key, number);
    return number;
  });
  return { batches: rows.map(([batch]) => Number(batch)), numbers, values };
}

/** Sums the flows up as the finest tier has them, and adds the mark of how far the tiers will have come. */
async function summarise(connection: Connection, step: RollupStep, sources: Sources): Promise<void> {
  const definitions = [
    "span UInt32",
    "source UInt16",
    ...keyFields.map((name) => `${name} ${typeOf(name)}`),
    ...[...sumColumns, "next_position"].map((name) => `${name} UInt64`),
  ];
  // A batch that were not named would have no strings, rather than another's.
  const source = `transform(intDiv(position, ${rowsPerPosition}), CAST([${sources.batches.join()}] AS Array(UInt64)),
    CAST([${sources.numbers.join()}] AS Array(UInt16)), toUInt16(65535))`;
  await connection.run(
    `CREATE OR REPLACE TEMPORARY TABLE rolled (${definitions.join(", ")}) ENGINE = Memory`,
  );
  await connection.run(
    `INSERT INTO rolled SELECT ${spanSql(tiers[0]!, "toUnixTimestamp(time)")}, ${source},
       ${fieldsOf(tiers[0]!).join(", ")}, count(), sum(packets), sum(octets), 0
     FROM ${flowsTable.name} WHERE ${conditionOf(step)} GROUP BY ALL SETTINGS ${insertSettings}`,
  );
  await connection.run(`INSERT INTO rolled (span, next_position) SELECT 0, ${step.toPosition}`);
}

async function addToTier(
  connection: Connection,
  tier: Tier,
  { logstore, day }: RollupStep,
  { values }: Sources,
): Promise<void> {
  const sums = [...sumColumns.map((name) => `sum(${name})`), "max(next_position)"];
  const fields = keyFields.map((_, index) => `field_${index}`);
  const summed = `SELECT ${spanSql(tier, "span")} AS begin, source,
      ${fieldsOf(tier)
        .map((field, index) => `${field} AS ${fields[index]!}`)
        .join(", ")},
      ${sums.map((sum, index) => `${sum} AS sum_${index}`).join(", ")}
    FROM rolled GROUP BY begin, source, ${fields.join(", ")}`;
  const strings = sourceColumns.map((_, index) => sourceSql(values.map((source) => source[index]!)));
  const columns = ["logstore", "received_day", "time", ...keyColumns, ...sumColumns, "next_position"];
  await connection.run(
    `INSERT INTO ${tier.table} (${columns.join(", ")})
     SELECT ${logstore}, ${day}, begin, ${[...fields, ...strings].join(", ")}, ${sums.map((_, index) => `sum_${index}`).join(", ")}
     FROM (${summed}) SETTINGS ${insertSettings}`,
  );
}

/** SQL of a source column of a row; a value that all have in common is a constant. */
function sourceSql(values: readonly string[]): string {
  const [first] = values;
  if (values.every((value) => value === first)) return `${stringArray([first!])}[1]`;
  return `${stringArray(values)}[source + 1]`;
}

function conditionOf({ logstore, day, fromPosition, toPosition }: RollupStep): string {
  return `logstore = ${logstore} AND ${receivedDaySql("received_ms")} = ${day}
    AND position >= ${fromPosition} AND position < ${toPosition}`;
}

function spanSql({ widthS }: Tier, seconds: string): string {
  return `intDiv(${seconds}, ${widthS}) * ${widthS}`;
}

/** The key fields as the tier has them. */
function fieldsOf({ portCap }: Tier): string[] {
  return keyFields.map((name) => (portColumns.has(name) ? `least(${name}, ${portCap})` : name));
}
