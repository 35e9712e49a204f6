/** The REST style of Huawei Cloud and Open Telekom Cloud: their API gateway. */
export { type ApigAnswer, refuse } from "./answer.ts";
export { authenticateToken, type Caller, type CredentialDeps } from "./authenticate.ts";
export { type ApigDeps, createApigDialect } from "./dialect.ts";
export { type ApigRequest, canonicalId, queryValue, readBody } from "./request.ts";
export type * from "./service.ts";
export { sealToken, type Token, tokenHeader, tokenLifeMs } from "./token.ts";
