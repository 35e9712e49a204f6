/** How Weir tells what it does: structured logs and metrics. */
export * from "./logger.ts";
export * from "./metrics.ts";
