/** Alibaba Cloud VPC flow logs as a service of the RPC style. */
export { vpcErrors } from "./error.ts";
export { createVpcService } from "./service.ts";
