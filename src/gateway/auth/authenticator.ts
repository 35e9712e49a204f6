/** Decides who a request is from: signature, then time, then nonce. */
import { type Clock, fail, ok, type Result } from "../../base/mod.ts";
import type { Principal } from "../../control/mod.ts";
import type { Metrics } from "../../observe/mod.ts";
import { isAcs3, verifyAcs3Signature } from "./acs3-signature.ts";
import type { NonceStore } from "./nonces.ts";
import { verifyRpcSignature } from "./rpc-signature.ts";
import type { KeyFinder, SignedRequest } from "./signed-request.ts";

export interface Authenticator {
  /** Faults: those of the two signatures, `TimestampSkewed`, and those of the nonce store. */
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
    const verify = isAcs3(request.headers) ? verifyAcs3Signature : verifyRpcSignature;
    const signature = verify(request, keys);
    if (!signature.ok) return signature;
    const { principal, nonce, signedMs } = signature.value;
    if (Math.abs(clock.nowMs() - signedMs) > skewMaxMs) return skewed(signedMs, skewMaxMs);
    const remembered = await nonces.remember(principal.accessKeyId, nonce);
    return remembered.ok ? ok(principal) : remembered;
  };
  return {
    authenticate: async (request) => {
      const principal = await judge(request);
      if (!principal.ok) refusals.add(1, { fault: principal.fault.code });
      return principal;
    },
  };
}

function skewed(signedMs: number, skewMaxMs: number): Result<never> {
  return fail("TimestampSkewed", "the timestamp lies too far from this server's clock", {
    value: new Date(signedMs).toISOString(),
    allowed: `within ${skewMaxMs / 60_000} minutes`,
    remedy: "set the clocks of client and server by NTP",
  });
}
