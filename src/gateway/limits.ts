/** What one listener lets strangers use: bytes, time and connections. */
export interface GatewayLimits {
  /** Largest request body, bytes; a route may set its own. */
  readonly bodyBytesMax: number;
  /** Request line and headers together, bytes. RPC clients may put every parameter into the target. */
  readonly headerBytesMax: number;
  /** From a request's first byte to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From a request's first byte to the end of its body. */
  readonly requestTimeoutMs: number;
  /** How long an idle connection is kept for the next request. */
  readonly keepAliveTimeoutMs: number;
  /** Connections at once; further ones are closed at accept. */
  readonly connectionsMax: number;
}

export const defaultGatewayLimits: GatewayLimits = {
  bodyBytesMax: 2 * 1024 * 1024,
  headerBytesMax: 64 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 65_000,
  connectionsMax: 2_000,
};
