/** Configuration: one schema for the file, the environment and flags. */
export * from "./data-default.ts";
export * from "./load.ts";
export * from "./schema.ts";
export * from "./setting.ts";
