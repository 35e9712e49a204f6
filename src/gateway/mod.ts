/** HTTP: one server, and each cloud's API as a dialect behind it. */
export * from "./dialect.ts";
export * from "./head.ts";
export * from "./limits.ts";
export * from "./server.ts";
export type { CertificateSource } from "./tls-front.ts";
export {
  type Authenticator,
  type Authorizer,
  createAuthenticator,
  createAuthorizer,
  type NonceStore,
  openNonceStore,
} from "./auth/mod.ts";
export type * from "./delivery-status.ts";
export { createRpcDialect } from "./dialect/rpc/mod.ts";
export { createSagService } from "./dialect/sag/mod.ts";
export { createStsService } from "./dialect/sts/mod.ts";
export { createVpcService } from "./dialect/vpc/mod.ts";
