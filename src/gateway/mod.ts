/** HTTP: one server, and each cloud's API as a dialect behind it. */
export * from "./dialect.ts";
export * from "./head.ts";
export * from "./limits.ts";
export * from "./server.ts";
