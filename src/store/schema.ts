/** Brings the tables of a store, which an earlier version may have made, up to date. */
import { type Connection, selectRows } from "./engine.ts";
import { createLinesStatement } from "./line-table.ts";
import { createTableStatement, flowsTable, upgradeStatements } from "./table.ts";
import { createTierStatement, tiers, upgradeTierStatements } from "./tier.ts";

export async function prepareTables(connection: Connection): Promise<void> {
  const run = async (statements: readonly string[]): Promise<void> => {
    for (const statement of statements) await connection.run(statement);
  };
  await run([createTableStatement(), createLinesStatement(), ...tiers.map(createTierStatement)]);
  const columns = await selectRows(
    connection,
    `SELECT name FROM system.columns WHERE database = currentDatabase() AND table = '${flowsTable.name}'`,
  );
  await run(upgradeStatements(new Set(columns.map(([name]) => String(name)))));
  const sortingKeys = await selectRows(
    connection,
    "SELECT name, sorting_key FROM system.tables WHERE database = currentDatabase()",
  );
  for (const tier of tiers) {
    const [, sortingKey] = sortingKeys.find(([name]) => name === tier.table)!;
    await run(upgradeTierStatements(tier, String(sortingKey)));
  }
}
