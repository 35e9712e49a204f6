/** Who a request is from: the RPC and ACS3 signatures, skew and replay. */
export * from "./authenticator.ts";
export { isAcs3 } from "./acs3-signature.ts";
export * from "./nonces.ts";
export { percentEncode } from "./percent.ts";
export { rpcStringToSign, signRpc } from "./rpc-signature.ts";
export type * from "./signed-request.ts";
