/** Reads: a pool of connections that may only read, each query within its time, memory and rows. */
import { fail, ok, type Result } from "../base/mod.ts";
import { type Connection, faultOfEngine, openConnection } from "./engine.ts";
import type { QueryRequest } from "./protocol.ts";
import { setStatement } from "./statement.ts";

/** Queries that wait for a connection, beyond which the store is too busy. */
const waitingMax = 256;
/** After this long past its time a query that has not ended by itself is killed. */
const killGraceMs = 500;

export interface ReaderPool {
  /** The answer as the engine's JSONCompact. */
  query(request: QueryRequest): Promise<Result<Uint8Array>>;
  close(): void;
}

export function createReaderPool(
  options: { readonly path: string; readonly readers: number; readonly memoryBytesMax: number },
  control: Connection,
): ReaderPool {
  const queryBytesMax = Math.floor(options.memoryBytesMax / 2);
  const settings = [
    // 2 is: reads only, and settings may be set, without which there are no parameters.
    "--readonly=2",
    // A question to a tier and to the flows that it lacks needs the tier and its mark of one moment.
    "--enable_shared_storage_snapshot_in_query=1",
    `--max_memory_usage=${queryBytesMax}`,
    `--max_bytes_before_external_group_by=${Math.floor(queryBytesMax / 2)}`,
    `--max_bytes_before_external_sort=${Math.floor(queryBytesMax / 2)}`,
    "--output_format_json_quote_64bit_integers=1",
  ];
  const connections = Array.from({ length: options.readers }, () => openConnection(options.path, settings));
  const idle = [...connections];
  const waiting: ((connection: Connection) => void)[] = [];
  let number = 0;
  const take = (): Promise<Connection> => {
    const free = idle.pop();
    return free === undefined ? new Promise((resolve) => void waiting.push(resolve)) : Promise.resolve(free);
  };
  const give = (connection: Connection): void => {
    const next = waiting.shift();
    if (next === undefined) idle.push(connection);
    else next(connection);
  };
  return {
    query: async (request) => {
      if (waiting.length >= waitingMax) {
        return fail("StoreUnavailable", "too many queries wait for the store", { retryable: true });
      }
      const connection = await take();
      const mark = `/* weir ${++number} */`;
      const kill = setTimeout(() => {
        // What cannot be killed ends with the process, when the main one has waited long enough.
        control.run(`KILL QUERY WHERE startsWith(query, '${mark}') ASYNC`).catch(() => undefined);
      }, request.timeoutMs + killGraceMs);
      try {
        const limits = {
          max_execution_time: request.timeoutMs / 1000,
          max_result_rows: request.rowsMax,
        };
        const set = setStatement(limits, request.parameters);
        return ok(await connection.run(`${set}${mark} ${request.sql}`, "JSONCompact"));
      } catch (error) {
        return { ok: false, fault: faultOfEngine(error) };
      } finally {
        clearTimeout(kill);
        give(connection);
      }
    },
    close: () => {
      for (const connection of connections) connection.close();
    },
  };
}
