/** The durable hand-over between those who meter and those who deliver. */
export type { DroppedBatch } from "./ledger.ts";
export {
  type JsonValue,
  openSpool,
  type Spool,
  type SpoolDependencies,
  type SpoolEntry,
  type SpoolInput,
  type SpoolLoss,
  type SpoolOptions,
  type SpoolRoute,
  type SpoolStatus,
} from "./spool.ts";
