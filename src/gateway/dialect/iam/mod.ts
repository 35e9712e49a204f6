/** The identity service (IAM) of Huawei Cloud and Open Telekom Cloud. */
export { createIamService } from "./service.ts";
export type { IamDeps } from "./token.ts";
