/**
 * Entry of the capture process: drops its privileges, then captures as the main process tells it.
 *
 * Everything is imported before the drop, for afterwards the files may not be readable any more. Signals
 * that end the main process are not for this one: it ends when it is told to, or with its channel.
 *
 * Started with its parent's process id as the first argument.
 */
import { flushCompileCache } from "node:module";

import { type Fault, toFault } from "../../base/mod.ts";
import { endWithParent } from "../../process/mod.ts";
import { createDriver, type Driver } from "./driver.ts";
import type { FromChild, ToChild } from "./message.ts";

function send(message: FromChild, written: () => void = () => undefined): void {
  // An error here means that the main process is gone; "disconnect" ends this one.
  if (process.connected) process.send?.(message, undefined, undefined, () => written());
}

function giveUp(reason: Fault): void {
  // A cause may be anything, and not everything crosses a process.
  send({ type: "failed", fault: { ...reason, cause: undefined } }, () => process.exit(0));
}

async function start(message: Extract<ToChild, { type: "start" }>): Promise<Driver | null> {
  const { agentId, bootId, config, share } = message;
  // At its exit this process may not write to the cache any more.
  flushCompileCache();
  const made = await createDriver(message.method, {
    config,
    share,
    send,
    origin: { agentId, bootId },
    sendBatch: (sequence, bytes, written) => send({ type: "batch", sequence, bytes }, written),
    sendAccounted: (subjects, windows) => send({ type: "accounted", subjects, windows }),
  });
  if (!made.ok) {
    giveUp(made.fault);
    return null;
  }
  // After the drop, which takes such a request back.
  await endWithParent(Number(process.argv[2]));
  made.value.run();
  send({ type: "ready", privileges: made.value.privileges });
  return made.value;
}

async function apply(driver: Driver, message: Extract<ToChild, { type: "apply" }>): Promise<void> {
  const accepted = driver.session.apply(message.plan);
  send({ type: "armed", id: message.id, atMs: Date.now() });
  await accepted;
  send({ type: "applied", id: message.id, status: driver.session.status() });
}

async function stop(driver: Driver): Promise<void> {
  driver.stop();
  await driver.session.finish();
  send({ type: "stopped", status: driver.session.status() }, () => process.exit(0));
}

function die(thrown: unknown): void {
  const { message: reason } = toFault(thrown);
  const fields = { reason, stack: thrown instanceof Error ? thrown.stack : undefined };
  send({ type: "log", level: "error", fields, message: "capture process failed" }, () => process.exit(1));
}

function listen(): void {
  let driver: Driver | null = null;
  const handle = async (message: ToChild): Promise<void> => {
    if (message.type === "start") driver = await start(message);
    else if (driver === null) return message.type === "stop" ? process.exit(0) : undefined;
    else if (message.type === "apply") await apply(driver, message);
    else if (message.type === "accepted") driver.session.outbox.accepted(message.sequence);
    else if (message.type === "stop") await stop(driver);
    else driver.feed(message);
  };
  process.on("message", (message: ToChild) => void handle(message).catch(die));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
process.on("uncaughtException", die);
process.on("disconnect", () => process.exit(0));
listen();
