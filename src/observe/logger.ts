/** Structured logs: one JSON object a line on standard error, by pino. */
import { writeSync } from "node:fs";

import { type DestinationStream, type Logger as PinoLogger, pino } from "pino";

import type { Counter, Metrics } from "./metrics.ts";

export const logLevels = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

/** The part of pino that Weir uses; messages are not capitalised and carry their values as fields. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

/** `weir_log_dropped_lines_total` counts the lines that could not be written. */
export function createLogger(level: LogLevel, metrics: Metrics): Logger {
  const dropped = metrics.counter(
    "weir_log_dropped_lines_total",
    "Lines of the log that standard error did not take",
  );
  const logger: PinoLogger = pino(
    { level, base: {}, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    createLineWriter(2, dropped),
  );
  return logger;
}

const fullRetries = 10;
const fullRetryMs = 10;

/**
 * Writes each line at once, or drops and counts it: nothing is kept. Standard error may be a terminal that is gone or
 * a file on a full disk; nobody reads the log then, and Weir goes on without, until it is written again.
 */
export function createLineWriter(descriptor: number, dropped: Counter): DestinationStream {
  /** What the last line left behind: a part of itself, without an end. */
  let isTorn = false;
  let wasDropped = false;
  return {
    write(line) {
      const bytes = Buffer.from(isTorn ? `\n${line}` : line);
      // One that waited in vain is not waited for again: a reader that stands still must not stop Weir.
      const written = writeAll(descriptor, bytes, wasDropped ? 0 : fullRetries);
      if (written > 0) isTorn = written < bytes.length;
      wasDropped = written < bytes.length;
      if (wasDropped) dropped.add();
    },
  };
}

/** How many of the bytes were written. A pipe that does not block may be full for a moment. */
function writeAll(descriptor: number, bytes: Uint8Array, retries: number): number {
  let written = 0;
  for (let retry = 0; written < bytes.length;) {
    try {
      written += writeSync(descriptor, bytes, written);
    } catch (error) {
      const isFull = error instanceof Error && "code" in error && error.code === "EAGAIN";
      if (!isFull || retry++ >= retries) return written;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, fullRetryMs);
    }
  }
  return written;
}

/** A logger that says nothing, for tests and one-shot commands. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
