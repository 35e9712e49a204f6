/** Flow logs, resources, accounts, access keys: what exists, and who may change it. */
export * from "./access/mod.ts";
export type * from "./access-key.ts";
export type * from "./account.ts";
export type * from "./change.ts";
export * from "./cloud-project.ts";
export * from "./control.ts";
export * from "./flow-log.ts";
export type { Associations } from "./association.ts";
export type { FlowLogs, LogTargets } from "./flow-logs.ts";
export * from "./logproject/mod.ts";
export * from "./region.ts";
export * from "./resource.ts";
