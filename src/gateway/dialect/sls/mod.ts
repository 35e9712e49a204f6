/** Alibaba Cloud Log Service (SLS). */
export { createSlsDialect, type SlsDialectConfig, type SlsDialectDeps } from "./dialect.ts";
