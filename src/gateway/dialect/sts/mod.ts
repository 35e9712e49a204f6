/** Alibaba Cloud's Security Token Service as a service of the RPC style. */
export { stsErrors } from "./error.ts";
export { createStsService } from "./service.ts";
