/** Flows into files: JSON lines and CSV. */
export { createFlowFile, type FlowFile, type FlowFileOptions } from "./flow-file.ts";
