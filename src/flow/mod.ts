/** What a flow is: the field table, FlowBatch, and its byte form. */
export * from "./batch.ts";
export * from "./batch-codec.ts";
export * from "./field.ts";
export * from "./window-status.ts";
