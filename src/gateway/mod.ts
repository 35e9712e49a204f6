/** HTTP: one server, and each cloud's API as a dialect behind it. */
export * from "./dialect.ts";
export * from "./head.ts";
export * from "./limits.ts";
export * from "./server.ts";
export {
  type Authenticator,
  type Authorizer,
  createAuthenticator,
  createAuthorizer,
  type NonceStore,
  openNonceStore,
} from "./auth/mod.ts";
export { createRpcDialect, type DeliveryStatus } from "./dialect/rpc/mod.ts";
export { createSagService } from "./dialect/sag/mod.ts";
export { createStsService } from "./dialect/sts/mod.ts";
