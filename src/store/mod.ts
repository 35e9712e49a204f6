/** Flows kept for queries. */
export type {
  AppendOutcome,
  IngestPath,
  LinesInsert,
  QueryAnswer,
  Retention,
  RollupDays,
  StoreInsert,
  StoreParameters,
  StoreStatistics,
  StoreTarget,
  UndecodableBatch,
} from "./protocol.ts";
export {
  createStore,
  type QueryLimits,
  type Store,
  type StoreConfig,
  type StoreDependencies,
} from "./store.ts";
export type { StoreState, SupervisorStatus } from "./supervisor.ts";
export type { RollupOutcome } from "./rollup.ts";
export { nextPositionSql, portColumns, receivedDaySql, type Tier, type TierName, tiers } from "./tier.ts";
export { linesTable } from "./line-table.ts";
export { type FlowsColumn, flowsTable, rowsPerPosition } from "./table.ts";
