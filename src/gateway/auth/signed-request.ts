/** A request as the verifiers of signatures see it, and who it turned out to be from. */
import type { IncomingHttpHeaders } from "node:http";

import type { Credentials, Principal } from "../../control/mod.ts";

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
  readonly principal: Principal;
  readonly signedMs: number;
  readonly nonce: string;
}

/** Finds the secret of a key, and whose it is. */
export type KeyFinder = Pick<Credentials, "find">;

/** The token of a role's session: a parameter of the RPC style, a header of ACS3; "" if there is none. */
export function securityTokenOf({ headers, parameters }: SignedRequest): string {
  const header = headers["x-acs-security-token"];
  return (Array.isArray(header) ? header[0] : header) ?? parameters.get("SecurityToken") ?? "";
}
