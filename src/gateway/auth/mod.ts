/** Who a request is from: the RPC and ACS3 signatures, skew and replay; and whether it may. */
export * from "./authenticator.ts";
export * from "./authorizer.ts";
export { isAcs3 } from "./acs3-signature.ts";
export * from "./nonces.ts";
export { networkConditions } from "./network-conditions.ts";
export { percentEncode } from "./percent.ts";
export { rpcStringToSign, signRpc } from "./rpc-signature.ts";
export type { Principal } from "../../control/mod.ts";
export type { SignedRequest } from "./signed-request.ts";
