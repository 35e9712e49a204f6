/** Alibaba Cloud's Security Token Service as a service of the RPC style. */
export { createStsService } from "./service.ts";
