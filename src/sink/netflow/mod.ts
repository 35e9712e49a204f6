/** NetFlow v5, v9 and IPFIX over UDP: the exporter, and the sink that feeds exporters from the spool. */
export * from "./exporter.ts";
export * from "./sink.ts";
export type { NetflowDelivery } from "./delivery.ts";
export type { NetflowTarget } from "./target.ts";
export type { NetflowExporterState, NetflowVersion } from "./flow-encoder.ts";
