/** A request as the verifiers of signatures see it, and who it turned out to be from. */
import type { IncomingHttpHeaders } from "node:http";

import type { Result } from "../../base/mod.ts";

export interface SignedRequest {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  /** Decoded parameters of the query. */
  readonly query: ReadonlyMap<string, string>;
  /** Decoded parameters of query and form. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The body's bytes as they came. */
  readonly body: Uint8Array;
}

/** A signature that holds, as far as the request alone can tell: time and nonce are yet to be judged. */
export interface VerifiedSignature {
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly signedMs: number;
  readonly nonce: string;
}

export interface Principal {
  readonly accountId: string;
  readonly accessKeyId: string;
}

/** Finds the secret of a key. Faults: `AccessKeyNotFound`, `AccessKeyInactive`. */
export interface KeyFinder {
  find(accessKeyId: string): Result<{
    readonly accessKeyId: string;
    readonly accessKeySecret: string;
    readonly accountId: string;
  }>;
}
