/** Decides who a request is from: signature, then time, then nonce. */
import { type Clock, fail, ok, type Result } from "../../base/mod.ts";
import type { Metrics } from "../../observe/mod.ts";
import { isAcs3, verifyAcs3Signature } from "./acs3-signature.ts";
import type { NonceStore } from "./nonces.ts";
import { verifyRpcSignature } from "./rpc-signature.ts";
import type { KeyFinder, Principal, SignedRequest } from "./signed-request.ts";

export interface Authenticator {
  /**
   * Faults: those of the two signatures, `TimestampSkewed`, those of the nonce store, and
   * `SignatureMalformed` with field `SecurityToken` for tokens, which Weir hands out to nobody.
   */
  authenticate(request: SignedRequest): Promise<Result<Principal>>;
}

interface Dependencies {
  readonly keys: KeyFinder;
  readonly nonces: NonceStore;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** How far a timestamp may lie from this clock, either way. */
  readonly skewMaxMs?: number;
}

export const defaultSkewMaxMs = 15 * 60_000;

export function createAuthenticator(dependencies: Dependencies): Authenticator {
  const { keys, nonces, clock, skewMaxMs = defaultSkewMaxMs } = dependencies;
  const refusals = dependencies.metrics.counter(
    "weir_signature_refusals_total",
    "Signed requests that were refused, by fault",
  );
  const judge = async (request: SignedRequest): Promise<Result<Principal>> => {
    const token = request.headers["x-acs-security-token"] ?? request.parameters.get("SecurityToken") ?? "";
    if (token !== "") return unknownToken();
    const verify = isAcs3(request.headers) ? verifyAcs3Signature : verifyRpcSignature;
    const signature = verify(request, keys);
    if (!signature.ok) return signature;
    const { accountId, accessKeyId, nonce, signedMs } = signature.value;
    if (Math.abs(clock.nowMs() - signedMs) > skewMaxMs) return skewed(signedMs, skewMaxMs);
    const remembered = await nonces.remember(accessKeyId, nonce);
    return remembered.ok ? ok({ accountId, accessKeyId }) : remembered;
  };
  return {
    authenticate: async (request) => {
      const principal = await judge(request);
      if (!principal.ok) refusals.add(1, { fault: principal.fault.code });
      return principal;
    },
  };
}

function unknownToken(): Result<never> {
  return fail("SignatureMalformed", "security tokens are not supported", { field: "SecurityToken" });
}

function skewed(signedMs: number, skewMaxMs: number): Result<never> {
  return fail("TimestampSkewed", "the timestamp lies too far from this server's clock", {
    value: new Date(signedMs).toISOString(),
    allowed: `within ${skewMaxMs / 60_000} minutes`,
    remedy: "set the clocks of client and server by NTP",
  });
}
