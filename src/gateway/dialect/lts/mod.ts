/** The log service (LTS) of Huawei Cloud and Open Telekom Cloud. */
export { createLtsService, type LtsDeps } from "./service.ts";
