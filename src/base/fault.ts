/**
 * Errors as values of a closed set.
 *
 * Every refusal in Weir is a `Fault`: a code of `faultCodes`, a sentence, and, where it is about an
 * input, the field, the value it had and what was allowed. Dialects map codes to their cloud's own
 * table; the CLI prints the sentence and the remedy. docs/reference/errors.md lists every code.
 */

export const faultCodes = [
  // Input of any kind
  "InputMissing",
  "InputInvalid",
  "InputOutOfRange",
  "InputTooLarge",
  // Bytes from strangers and files
  "Truncated",
  "Malformed",
  "Unsupported",
  "ChecksumMismatch",
  // Control plane
  "FlowLogNotFound",
  "FlowLogAssociated",
  "FlowLogStatusConflict",
  "FlowLogQuotaExceeded",
  "FlowLogInTransition",
  "FlowLogDuplicate",
  "TagQuotaExceeded",
  "TrafficPathUnsupported",
  "ServiceNotOpen",
  "RequestTokenReused",
  "ResourceGroupNotFound",
  "ResourceGroupNotEmpty",
  "ResourceNotFound",
  "ResourceAlreadyAssociated",
  "ResourceNotAssociated",
  "ResourceUnsupported",
  "ResourceFeatureMissing",
  "RegionNotFound",
  "ProjectNotFound",
  "ProjectExists",
  "ProjectNotEmpty",
  "ProjectQuotaExceeded",
  "LogstoreNotFound",
  "LogstoreExists",
  "LogstoreQuotaExceeded",
  // Who may do what
  "AccountNotFound",
  "AccountExists",
  "AccountNotEmpty",
  "AccessKeyNotFound",
  "AccessKeyInactive",
  "UserNotFound",
  "UserExists",
  "GroupNotFound",
  "GroupExists",
  "RoleNotFound",
  "RoleExists",
  "PolicyNotFound",
  "PolicyExists",
  "PolicyAttached",
  "PolicyMalformed",
  "AccessDenied",
  // Authentication
  "SignatureMissing",
  "SignatureMalformed",
  "SignatureMismatch",
  "SignatureMethodUnsupported",
  "TimestampMalformed",
  "TimestampSkewed",
  "NonceReused",
  "SecurityTokenMissing",
  "SecurityTokenMalformed",
  "SecurityTokenExpired",
  "SecurityTokenMismatch",
  "TooManyRequests",
  // Query
  "QuerySyntax",
  "QueryTooComplex",
  "QueryUnsupported",
  "TimeRangeInvalid",
  // Running system
  "ConfigInvalid",
  "PortInUse",
  "DataDirectoryLocked",
  "DataDirectoryUnusable",
  "PrivilegeMissing",
  "KernelFeatureMissing",
  "DiskFull",
  "SpoolFull",
  "StoreUnavailable",
  "CaptureUnavailable",
  "SendFailed",
  "ServerNotRunning",
  "Timeout",
  "Internal",
] as const;

export type FaultCode = (typeof faultCodes)[number];

export interface Fault {
  readonly code: FaultCode;
  /** A sentence for a person: what was wrong, without a trailing full stop being assumed by callers. */
  readonly message: string;
  /** The name of the input that was wrong, in the core's spelling. */
  readonly field?: string;
  /** The value that was refused, as text. Never a secret. */
  readonly value?: string;
  /** What would have been accepted. */
  readonly allowed?: string;
  /** What the person can do about it: a command or a setting. */
  readonly remedy?: string;
  /** Whether the same call may succeed later without any change to it. */
  readonly retryable: boolean;
  readonly cause?: unknown;
}

export type FaultDetails = Partial<Omit<Fault, "code" | "message">>;

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: Fault };

/** Makes a fault; `retryable` is false unless said otherwise. */
export function fault(code: FaultCode, message: string, details: FaultDetails = {}): Fault {
  return { retryable: false, ...details, code, message };
}

export function ok<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function fail<T = never>(code: FaultCode, message: string, details: FaultDetails = {}): Result<T> {
  return { ok: false, fault: fault(code, message, details) };
}

/** Carries a fault through code that can only throw: constructors, streams, foreign callbacks. */
export class FaultError extends Error {
  readonly fault: Fault;

  constructor(value: Fault) {
    super(value.message, { cause: value.cause });
    this.name = "FaultError";
    this.fault = value;
  }
}

/** The value, or a thrown FaultError. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new FaultError(result.fault);
}

/** Turns anything thrown into a fault; what is not a FaultError becomes `Internal` with its cause kept. */
export function toFault(thrown: unknown): Fault {
  if (thrown instanceof FaultError) return thrown.fault;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return fault("Internal", message, { cause: thrown });
}
