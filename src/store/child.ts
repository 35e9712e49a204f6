/**
 * The store's child process: opens the engine, brings the table up to date, says that it is ready, and
 * answers one message with another until it is told to stop or its parent is gone.
 *
 * Started with its options as JSON in the first argument and its parent's process id in the second.
 */
import { type Fault, fail, fault, ok, type Result, toFault } from "../base/mod.ts";
import { endWithParent } from "../process/mod.ts";
import { testArrow } from "./arrow.ts";
import { type Connection, drainEngine, faultOfEngine, lockHolder, openConnection } from "./engine.ts";
import { createIngest, type Ingest } from "./ingest.ts";
import { createLineIngest, type LineIngest } from "./line-ingest.ts";
import { type ChildOptions, type FromChild, heartbeatMs, type IngestPath, type ToChild } from "./protocol.ts";
import { createReaderPool, type ReaderPool } from "./reader.ts";
import { dropLogstorePartitions, expirePartitions, keepsRollupsLonger, readStatistics } from "./retention.ts";
import { createRollup, type Rollup } from "./rollup.ts";
import { prepareTables } from "./schema.ts";

interface Parts {
  readonly writer: Connection;
  /** For what is not a client's query: KILL, retention, statistics. */
  readonly control: Connection;
  readonly readers: ReaderPool;
  readonly ingest: Ingest;
  readonly lineIngest: LineIngest;
  /** For what sums flows up, which must not hold up the others. */
  readonly roller: Connection;
  readonly rollup: Rollup;
  readonly path: IngestPath;
}

const options = JSON.parse(process.argv[2] ?? "{}") as ChildOptions;
const pending = new Set<Promise<void>>();
/** What retention waits for flows that are to stay in the tiers; the rest of them go the next time. */
const expireRollupMs = 30_000;

// A store without its parent would keep the directory from the next one. Nothing is lost by this: an insert
// is stored as a whole or not at all, and the next parent sends again what was not confirmed.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// The parent decides when to stop; a Ctrl-C in the terminal, and its end, reach both.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);

// Before the directory is locked: one that hangs does not see the disconnect.
await endWithParent(Number(process.argv[3]));
const opened = await open();
if (opened.ok) {
  const parts = opened.value;
  process.on("message", (message: ToChild) => {
    if (message.call === "stop") void stop(parts);
    else track(answer(parts, message));
  });
  setInterval(
    () => send({ kind: "heartbeat", residentBytes: process.memoryUsage.rss() }),
    heartbeatMs,
  ).unref();
  send({ kind: "ready", ingest: parts.path });
} else {
  const message: FromChild = { kind: "failed", fault: opened.fault };
  process.send?.(message, undefined, undefined, () => process.exit(1));
}

async function open(): Promise<Result<Parts>> {
  const server = [
    `--max_server_memory_usage=${options.memoryBytesMax}`,
    // One machine, often a small one, shared with capture: merges are to be behind, not ahead.
    "--background_pool_size=2",
    "--background_schedule_pool_size=2",
    "--background_fetches_pool_size=1",
    "--background_move_pool_size=1",
    "--background_common_pool_size=2",
    "--async_load_databases=0",
    // An insert names every source of its rows in its text.
    "--max_query_size=16777216",
  ];
  try {
    const writer = openConnection(options.path, server);
    await prepareTables(writer);
    const path = options.ingest ?? ((await testArrow(writer)) ? "arrow" : "text");
    const control = openConnection(options.path, []);
    const roller = openConnection(options.path, []);
    const rollup = createRollup(roller, options);
    return ok({
      writer,
      control,
      roller,
      rollup,
      readers: createReaderPool(options, control),
      lineIngest: createLineIngest(writer),
      ingest: createIngest(writer, { path, deduplicate: options.deduplicate, onStored: rollup.note }),
      path,
    });
  } catch (error) {
    const holder = lockHolder(options.path);
    if (holder === undefined) return { ok: false, fault: faultOfOpening(error) };
    // 0 is another user's process; as an argument of kill it would mean the caller's own.
    const leftOver = holder === 0 ? "" : ` or, if that was killed and left it hanging, kill -9 ${holder}`;
    return fail("DataDirectoryLocked", `${options.path} is in use by another process`, {
      value: `process ${holder === 0 ? "of another user" : holder}`,
      remedy: `stop the other Weir on this data directory${leftOver}`,
    });
  }
}

function faultOfOpening(error: unknown): Fault {
  const found = faultOfEngine(error);
  if (found.code !== "Internal") return found;
  return fault("DataDirectoryUnusable", found.message, { value: options.path });
}

async function answer(parts: Parts, message: Exclude<ToChild, { call: "stop" }>): Promise<void> {
  let result: Result<unknown>;
  try {
    result = await perform(parts, message);
  } catch (error) {
    result = { ok: false, fault: message.call === "append" ? toFault(error) : faultOfEngine(error) };
  }
  send({ kind: "answer", id: message.id, result });
}

async function perform(
  { control, readers, ingest, lineIngest, rollup }: Parts,
  message: Exclude<ToChild, { call: "stop" }>,
): Promise<Result<unknown>> {
  switch (message.call) {
    case "append":
      return await ingest.append(message.request);
    case "appendLines":
      return await lineIngest.append(message.request);
    case "query":
      return await readers.query(message.request);
    case "dropLogstore": {
      const { logstore } = message.request;
      await rollup.pause(() => dropLogstorePartitions(control, logstore));
      ingest.forget(logstore);
      return ok(undefined);
    }
    case "expire": {
      const { request } = message;
      // What cannot be rolled up stays, and is told by the regular rollup, which fails likewise.
      if (keepsRollupsLonger(request))
        await rollup.run({ budgetMs: expireRollupMs, flowsMin: 1 }).catch(() => undefined);
      const expire = (): Promise<number> => expirePartitions(control, request, rollup.isBehind);
      return ok({ partitions: await rollup.pause(expire) });
    }
    case "rollUp":
      return ok(await rollup.run(message.request));
    case "statistics":
      return ok(await readStatistics(control));
  }
}

function track(work: Promise<void>): void {
  pending.add(work);
  void work.finally(() => pending.delete(work));
}

async function stop({ writer, control, roller, readers }: Parts): Promise<void> {
  await Promise.allSettled(pending);
  await drainEngine();
  readers.close();
  roller.close();
  control.close();
  writer.close();
  process.exit(0);
}

function send(message: FromChild): void {
  // The parent is gone when this fails, and then so is this process.
  process.send?.(message, undefined, undefined, () => undefined);
}
