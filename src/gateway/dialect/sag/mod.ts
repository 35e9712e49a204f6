/** Alibaba Cloud Smart Access Gateway as a service of the RPC style. */
export { sagErrors } from "./error.ts";
export type { SagDependencies } from "./operation.ts";
export { createSagService } from "./service.ts";
