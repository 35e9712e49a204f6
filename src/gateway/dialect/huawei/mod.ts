/** The VPC service of Huawei Cloud and Open Telekom Cloud. */
export type { HuaweiDeps } from "./flow-log.ts";
export { createHuaweiVpcService } from "./service.ts";
