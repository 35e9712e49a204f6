/** Configuration: one schema for the file, the environment and flags. */
export * from "./load.ts";
export * from "./schema.ts";
export * from "./setting.ts";
