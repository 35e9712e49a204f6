/**
 * chDB, the ClickHouse engine in this process, behind connections that each run one query at a time.
 *
 * Several sessions on one directory run side by side, one session does not. A session whose query failed
 * still holds the half-written answer and puts it before the next one, so such a session is replaced.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { drainPending, Session } from "chdb";

import { type Fault, fault } from "../base/mod.ts";
import { createTurns } from "./turns.ts";

export interface Connection {
  /** Runs statements in turn with those asked for before; the last one's output, in `format`. Throws the engine's error. */
  run(sql: string, format?: string): Promise<Uint8Array>;
  /** The session, for what needs its handle; waits for its turn as run() does. */
  use<T>(work: (session: Session) => Promise<T>): Promise<T>;
  close(): void;
}

/** Opens a connection on `path`; `settings` are the engine's command-line arguments. Throws if it cannot. */
export function openConnection(path: string, settings: readonly string[]): Connection {
  const open = (): Session => new Session(path, { connectionArgs: settings });
  let session: Session | undefined = open();
  const inTurn = createTurns();
  const use = <T>(work: (session: Session) => Promise<T>): Promise<T> =>
    inTurn(async () => {
      session ??= open();
      try {
        return await work(session);
      } catch (error) {
        session.close();
        session = undefined;
        throw error;
      }
    });
  return {
    use,
    run: (sql, format = "Null") =>
      use(async (current) => (await current.queryAsync(sql, { format })).bytes()),
    close: () => {
      session?.close();
      session = undefined;
    },
  };
}

/** Runs a query and gives its rows; numbers of 64 bits are strings. */
export async function selectRows(connection: Connection, sql: string): Promise<unknown[][]> {
  const text = new TextDecoder().decode(await connection.run(sql, "JSONCompactEachRow"));
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as unknown[]);
}

/** Waits until nothing runs in the engine any more. */
export async function drainEngine(): Promise<void> {
  await drainPending();
}

/** Whether another living process has the directory open: the engine says only that it could not connect. */
export function lockHolder(path: string): number | undefined {
  try {
    const pid = Number(/PID: (\d+)/u.exec(readFileSync(join(path, "status"), "utf8"))?.[1]);
    if (!Number.isInteger(pid) || pid === process.pid) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch (error) {
    // A process of another user is alive all the same.
    return error instanceof Error && "code" in error && error.code === "EPERM" ? 0 : undefined;
  }
}

const codePattern = /Code: (\d+)\./u;

/** What an error of the engine means to a caller. */
export function faultOfEngine(error: unknown): Fault {
  const message = error instanceof Error ? error.message : String(error);
  const code = Number(codePattern.exec(message)?.[1] ?? 0);
  const short = message
    .replace(/^Query failed: /u, "")
    .split("\n")[0]!
    .slice(0, 500);
  if (code === 243 || /no space left on device|disk quota exceeded/iu.test(message)) {
    return fault("DiskFull", `the store cannot write: ${short}`, {
      retryable: true,
      remedy: "free space on the file system of the data directory",
    });
  }
  switch (code) {
    case 159: // TIMEOUT_EXCEEDED
    case 394: // QUERY_WAS_CANCELLED
      return fault("Timeout", "the query took too long", { retryable: true });
    case 241: // MEMORY_LIMIT_EXCEEDED
      return fault("QueryTooComplex", "the query needs more memory than it may have", { retryable: true });
    case 158: // TOO_MANY_ROWS
    case 396: // TOO_MANY_ROWS_OR_BYTES
      return fault("QueryTooComplex", "the query gives more rows than it may");
    case 62: // SYNTAX_ERROR
      return fault("QuerySyntax", short);
    case 164: // READONLY
      return fault("QueryUnsupported", "a query may only read");
    default:
      return fault("Internal", `the store's engine refused: ${short}`);
  }
}
