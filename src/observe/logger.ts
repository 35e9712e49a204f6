/** Structured logs: one JSON object a line on standard error, by pino. */
import { destination, type Logger as PinoLogger, pino } from "pino";

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

export function createLogger(level: LogLevel, bindings: Record<string, unknown> = {}): Logger {
  const standardError = destination({ dest: 2, sync: true });
  // Standard error may be a terminal that is gone: then nobody reads the log, and Weir goes on without.
  standardError.on("error", () => undefined);
  const logger: PinoLogger = pino(
    { level, base: bindings, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    standardError,
  );
  return logger;
}

/** A logger that says nothing, for tests and one-shot commands. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
