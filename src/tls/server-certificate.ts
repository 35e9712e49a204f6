/** What a server shows its clients, and the key that goes with it. */
import { createPrivateKey, X509Certificate } from "node:crypto";

import { fail, ok, type Result, toFault } from "../base/mod.ts";

export interface ServerCertificate {
  /** PEM: the server's certificate, then those between it and the authority. */
  readonly certificate: string;
  /** PEM. */
  readonly key: string;
}

/** The certificate itself, parsed. Fault: `ConfigInvalid` for what is none, or not the key's. */
export function checkCertificate({ certificate, key }: ServerCertificate): Result<X509Certificate> {
  try {
    const parsed = new X509Certificate(certificate);
    if (parsed.checkPrivateKey(createPrivateKey(key))) return ok(parsed);
    return fail("ConfigInvalid", "the private key is not the certificate's");
  } catch (error) {
    return fail("ConfigInvalid", `not a certificate with its key in PEM: ${toFault(error).message}`, {
      cause: error,
    });
  }
}
