/** The log service (LTS) of Huawei Cloud and Open Telekom Cloud. */
export { createLtsService } from "./service.ts";
export type { LogDeps } from "./log.ts";
