/** ClientToken: what makes a repeated call answer as the first did. */
import { createHash } from "node:crypto";

import type { FlowLogScope, RequestToken } from "../../../control/mod.ts";
import { commonErrors, type Parameters, type RpcResult, textOf } from "../rpc/mod.ts";

/** What differs between a call and its repetition. */
const ofTheCallAlone: ReadonlySet<string> = new Set([
  "AccessKeyId",
  "ClientToken",
  "Format",
  "SecurityToken",
  "Signature",
  "SignatureMethod",
  "SignatureNonce",
  "SignatureType",
  "SignatureVersion",
  "Timestamp",
]);

/** Undefined where no token is given; at most 64 printable ASCII characters. */
export function requestTokenOf(
  parameters: Parameters,
  { accountId, regionId }: FlowLogScope,
  action: string,
): RpcResult<RequestToken | undefined> {
  const token = textOf(parameters, "ClientToken");
  if (token === "") return { ok: true, value: undefined };
  if (!/^[\u0020-\u007e]{1,64}$/u.test(token)) {
    return { ok: false, error: commonErrors.invalidParameter("ClientToken") };
  }
  return { ok: true, value: { accountId, regionId, action, token, fingerprint: fingerprintOf(parameters) } };
}

function fingerprintOf(parameters: Parameters): string {
  const own = [...parameters]
    .filter(([name]) => !ofTheCallAlone.has(name))
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(own)).digest("hex");
}
