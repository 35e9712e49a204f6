/** What an operation answers, and the service's error form. */
import type { Fault } from "../../../base/mod.ts";

export interface SlsAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON; absent, the body is empty. */
  readonly body?: unknown;
  /** The service's code, where the answer is an error. */
  readonly errorCode?: string;
}

/** A value, or the answer that refuses the request. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly answer: SlsAnswer };

export function answer(body?: unknown, headers?: Readonly<Record<string, string>>): SlsAnswer {
  return {
    status: 200,
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  };
}

/** An error of the service: `{"errorCode", "errorMessage"}`. */
export function refuse(status: number, errorCode: string, errorMessage: string): SlsAnswer {
  return { status, errorCode, body: { errorCode, errorMessage } };
}

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refused(status: number, errorCode: string, errorMessage: string): Parsed<never> {
  return { ok: false, answer: refuse(status, errorCode, errorMessage) };
}

/** For what the service does and Weir does not. */
export function notOffered(operation: string): SlsAnswer {
  return refuse(404, "NotSupported", `${operation} is not offered by this log service.`);
}

/** The service's status and code for each fault that control, query and store can give. */
const faultTable: Readonly<Partial<Record<Fault["code"], readonly [number, string]>>> = {
  InputMissing: [400, "ParameterInvalid"],
  InputInvalid: [400, "ParameterInvalid"],
  InputOutOfRange: [400, "ParameterInvalid"],
  ProjectNotFound: [404, "ProjectNotExist"],
  ProjectExists: [400, "ProjectAlreadyExist"],
  ProjectQuotaExceeded: [400, "ProjectQuotaExceed"],
  LogstoreNotFound: [404, "LogStoreNotExist"],
  LogstoreExists: [400, "LogStoreAlreadyExist"],
  LogstoreQuotaExceeded: [400, "ProjectQuotaExceed"],
  QuerySyntax: [400, "ParameterInvalid"],
  QueryTooComplex: [400, "InvalidQueryString"],
  QueryUnsupported: [400, "ParameterInvalid"],
  TimeRangeInvalid: [400, "InvalidTimeRange"],
  StoreUnavailable: [503, "ServerBusy"],
  DiskFull: [503, "ServerBusy"],
  Timeout: [503, "ServerBusy"],
};

const queryErrorTypes: Readonly<Partial<Record<Fault["code"], string>>> = {
  QuerySyntax: "QueryParseError",
  QueryUnsupported: "OLSQueryParseError",
};

/** A fault of the core in the service's words. What the table lacks is an internal error without details. */
export function refuseFault(fault: Fault): SlsAnswer {
  const entry = faultTable[fault.code];
  if (entry === undefined) return refuse(500, "InternalServerError", "internal server error");
  const errorType = queryErrorTypes[fault.code];
  const message =
    errorType === undefined ? fault.message : `ErrorType:${errorType}.ErrorMessage:${fault.message}`;
  return refuse(entry[0], entry[1], message);
}
