/** ClientToken: what makes a repeated call answer as the first did. */
import { createHash } from "node:crypto";

import type { RequestToken } from "../../../control/mod.ts";
import { commonErrors, type Parameters, type RpcResult, textOf } from "../rpc/mod.ts";
import { errorOfFault } from "./error.ts";
import type { RegionalCall } from "./operation.ts";

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

export interface Request {
  /** Undefined where the call has none; at most 64 printable ASCII characters. */
  readonly token: RequestToken | undefined;
  /** What the call made when it came under its token before. */
  readonly made: string | undefined;
}

/** Asked before anything else of the call is judged: what it names may be gone since it came first. */
export function requestOf({ call, scope, control }: RegionalCall, action: string): RpcResult<Request> {
  const { parameters } = call;
  const text = textOf(parameters, "ClientToken");
  if (text === "") return { ok: true, value: { token: undefined, made: undefined } };
  if (!/^[\u0020-\u007e]{1,64}$/u.test(text)) {
    return { ok: false, error: commonErrors.invalidParameter("ClientToken") };
  }
  const { accountId, regionId } = scope;
  const token = { accountId, regionId, action, token: text, fingerprint: fingerprintOf(parameters) };
  const made = control.requestTokens.find(token);
  if (!made.ok) return { ok: false, error: errorOfFault(made.fault) };
  return { ok: true, value: { token, made: made.value } };
}

function fingerprintOf(parameters: Parameters): string {
  const own = [...parameters]
    .filter(([name]) => !ofTheCallAlone.has(name))
    .toSorted(([left], [right]) => (left < right ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(own)).digest("hex");
}
