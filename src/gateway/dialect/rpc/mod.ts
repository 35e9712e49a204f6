/** The RPC style of Alibaba Cloud, which several of its services share. */
export type { RpcObject, RpcValue } from "./answer.ts";
export * from "./dialect.ts";
export * from "./delivery.ts";
export { commonError, commonErrors, rpcFail, type RpcError, type RpcResult } from "./error.ts";
export { type NamedControl, policyIdOf } from "./named.ts";
export type * from "./service.ts";
export { describeRegions } from "./region.ts";
export * from "./value.ts";
