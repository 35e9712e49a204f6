/** A flow table of the store's shape in a chDB of the test's own, and a reader's view of it. */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { fail, formatAddress, isIpv4Mapped, ok, type Result } from "../../src/base/mod.ts";
import { type FlowField, flowFieldList } from "../../src/flow/mod.ts";
import type { LogReaderAnswer, LogReaderStore } from "../../src/query/mod.ts";

export interface StoredFlow {
  readonly logstore: number;
  readonly position: number;
  readonly values: Readonly<Record<string, number | Uint8Array>>;
  readonly strings: {
    readonly resource_id: string;
    readonly resource_serial: string;
    readonly account_id: string;
    readonly agent_id: string;
  };
}

export interface FlowTable extends LogReaderStore {
  insert(flows: readonly StoredFlow[]): void;
  clear(): void;
  close(): void;
}

interface ChdbSession {
  query(sql: string, format?: string): string;
  queryBind(sql: string, parameters: object, format?: string): string;
  cleanup(): void;
}

const stringColumns = ["resource_id", "resource_serial", "account_id", "agent_id"] as const;

export function openFlowTable(): FlowTable {
  const { Session } = createRequire(import.meta.url)("chdb") as {
    Session: new (path: string) => ChdbSession;
  };
  const path = mkdtempSync(join(tmpdir(), "weir-query-"));
  const session = new Session(path);
  session.query("CREATE DATABASE IF NOT EXISTS weir ENGINE = Atomic");
  const columns = [
    "logstore UInt32",
    "position UInt64",
    "time DateTime('UTC')",
    ...stringColumns.map((name) => `${name} LowCardinality(String)`),
    ...flowFieldList.map((field) => `${field.column} ${columnType(field)}`),
  ];
  session.query(
    `CREATE TABLE weir.flows (${columns.join(", ")}) ENGINE = MergeTree ORDER BY (logstore, time, position)`,
  );
  return {
    insert: (flows) => {
      const lines = flows.map((flow) => JSON.stringify(rowOf(flow)));
      session.query(`INSERT INTO weir.flows FORMAT JSONEachRow ${lines.join("\n")}`);
    },
    clear: () => void session.query("TRUNCATE TABLE weir.flows"),
    query: async (sql, parameters) => Promise.resolve(run(session, sql, parameters)),
    close: () => {
      session.cleanup();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function run(session: ChdbSession, sql: string, parameters: object): Result<LogReaderAnswer> {
  try {
    const text = session.queryBind(sql, parameters, "JSONCompact");
    const answer = JSON.parse(text) as {
      data: unknown[][];
      statistics: { rows_read: number; elapsed: number };
    };
    const { rows_read: rowsRead, elapsed } = answer.statistics;
    return ok({ rows: answer.data, rowsRead, elapsedMs: elapsed * 1000 });
  } catch (error) {
    return fail("Internal", `${sql}\n${String(error)}`);
  }
}

function columnType(field: FlowField): string {
  return { u8: "UInt8", u16: "UInt16", u32: "UInt32", f64: "UInt64", address: "IPv6" }[field.type];
}

function rowOf(flow: StoredFlow): Record<string, unknown> {
  const row: Record<string, unknown> = {
    ...flow.strings,
    logstore: flow.logstore,
    position: flow.position,
    time: Math.floor(Number(flow.values["endUs"]) / 1e6),
  };
  for (const field of flowFieldList) {
    const value = flow.values[field.name] ?? field.fallback;
    if (typeof value !== "number") {
      row[field.column] = `${isIpv4Mapped(value) ? "::ffff:" : ""}${formatAddress(value)}`;
    } else row[field.column] = field.type === "address" ? "::" : value;
  }
  return row;
}
