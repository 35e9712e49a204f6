/** Errors of the RPC style, and those that every service of it shares. */
import type { Fault } from "../../../base/mod.ts";
import { accessDeniedDetail } from "../access-denied.ts";
import type { RpcObject } from "./answer.ts";

export interface RpcError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Why a policy stands against the call. */
  readonly accessDeniedDetail?: RpcObject;
}

export type RpcResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: RpcError };

export function rpcFail(status: number, code: string, message: string): RpcResult<never> {
  return { ok: false, error: { status, code, message } };
}

/** The errors that the gateway of the cloud answers itself, whatever the service. */
export const commonErrors = {
  missingParameter: (name: string): RpcError => ({
    status: 400,
    code: "MissingParameter",
    message: `The input parameter "${name}" that is mandatory for processing this request is not supplied.`,
  }),
  invalidParameter: (name: string): RpcError => ({
    status: 400,
    code: "InvalidParameter",
    message: `The specified parameter "${name}" is not valid.`,
  }),
  invalidVersion: {
    status: 400,
    code: "InvalidVersion",
    message: "Specified parameter Version is not valid.",
  },
  invalidAction: {
    status: 404,
    code: "InvalidAction.NotFound",
    message: "Specified api is not found, please check your url and method.",
  },
  unsupportedMethod: {
    status: 403,
    code: "UnsupportedHTTPMethod",
    message: "This http method is not supported.",
  },
  noPermission: {
    status: 403,
    code: "NoPermission",
    message: "You are not authorized to do this action. You should be authorized by RAM.",
  },
  internal: {
    status: 500,
    code: "InternalError",
    message: "The request processing has failed due to some unknown error, exception or failure.",
  },
} as const;

const invalidToken = (reason: string, what: string): RpcError => ({
  status: 400,
  code: `InvalidSecurityToken.${reason}`,
  message: `Specified SecurityToken ${what}.`,
});

const byFault: Partial<Record<Fault["code"], RpcError>> = {
  SecurityTokenMissing: {
    status: 400,
    code: "MissingSecurityToken",
    message: "SecurityToken is mandatory for this action.",
  },
  SecurityTokenMalformed: invalidToken("Malformed", "is malformed"),
  SecurityTokenExpired: invalidToken("Expired", "is expired"),
  SecurityTokenMismatch: invalidToken("MismatchWithAccessKey", "mismatch with the AccessKey"),
  SignatureMalformed: incomplete(),
  SignatureMethodUnsupported: incomplete(),
  AccessKeyNotFound: {
    status: 404,
    code: "InvalidAccessKeyId.NotFound",
    message: "Specified access key is not found.",
  },
  AccessKeyInactive: {
    status: 400,
    code: "InvalidAccessKeyId.Inactive",
    message: "Specified access key is disabled.",
  },
  TimestampMalformed: {
    status: 400,
    code: "InvalidTimeStamp.Format",
    message: "Specified time stamp or date value is not well formatted.",
  },
  TimestampSkewed: {
    status: 400,
    code: "InvalidTimeStamp.Expired",
    message: "Specified time stamp or date value is expired.",
  },
  NonceReused: {
    status: 400,
    code: "SignatureNonceUsed",
    message: "Specified signature nonce was used already.",
  },
  TooManyRequests: {
    status: 400,
    code: "Throttling",
    message: "Request was denied due to user flow control.",
  },
  DiskFull: {
    status: 503,
    code: "ServiceUnavailable",
    message: "The request has failed due to a temporary failure of the server.",
  },
  InputTooLarge: {
    status: 413,
    code: "RequestEntityTooLarge",
    message: "The request is larger than this server accepts.",
  },
};

/** The error of an `AccessDenied`, in the service's own words if it has some. */
export function accessDeniedError(fault: Fault, words: RpcError = commonErrors.noPermission): RpcError {
  const detail = accessDeniedDetail(fault);
  return detail === undefined ? words : { ...words, accessDeniedDetail: detail };
}

/** The error of a fault that no service has a word of its own for. */
export function commonError(fault: Fault): RpcError {
  if (fault.code === "SignatureMissing") {
    // A parameter is named to the caller; a header that is not signed makes the signature incomplete.
    const name = fault.field ?? "";
    return /^[A-Z]/u.test(name) ? commonErrors.missingParameter(name) : incomplete();
  }
  if (fault.code === "AccessDenied") return accessDeniedError(fault);
  if (fault.code === "SignatureMismatch") return mismatch(fault.allowed);
  if (fault.code === "Malformed") return commonErrors.invalidParameter(fault.field ?? "");
  return byFault[fault.code] ?? commonErrors.internal;
}

/** SDKs compare what follows the colon with their own string, to tell a wrong secret from a wrong signature. */
function mismatch(stringToSign: string | undefined): RpcError {
  const tail = stringToSign === undefined ? "" : ` server string to sign is:${stringToSign}`;
  const message = `Specified signature is not matched with our calculation.${tail}`;
  return { status: 400, code: "SignatureDoesNotMatch", message };
}

function incomplete(): RpcError {
  const message = "The request signature does not conform to Aliyun standards.";
  return { status: 400, code: "IncompleteSignature", message };
}

/** Every member is a string, which some SDKs take for granted, but for the detail of a denial: an object. */
export function errorBody(
  error: RpcError,
  context: { requestId: string; hostId: string; product: string },
): RpcObject {
  const { requestId, hostId, product } = context;
  const question = new URLSearchParams({ q: error.code, product, requestId });
  return {
    RequestId: requestId,
    HostId: hostId,
    Code: error.code,
    Message: error.message,
    Recommend: `https://api.aliyun.com/troubleshoot?${question.toString()}`,
    ...(error.accessDeniedDetail === undefined ? {} : { AccessDeniedDetail: error.accessDeniedDetail }),
  };
}
