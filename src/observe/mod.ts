/** How Weir tells what it does: structured logs, metrics and health. */
export * from "./health.ts";
export * from "./logger.ts";
export * from "./metrics.ts";
