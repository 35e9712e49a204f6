/** The log service's errors: its code for each fault, by what the operation is about. */
import type { Fault } from "../../../base/mod.ts";
import { type ApigAnswer, type Refusal, refuse, tokenHeader } from "../apig/mod.ts";

type Row = readonly [status: number, code: string, message?: string];

/** Every code of the service that Weir answers; a row without a message has the fault's own. */
const table: Readonly<Partial<Record<Fault["code"], Row>>> = {
  Malformed: [400, "LTS.0007", "The request body format must be json"],
  InputMissing: [400, "LTS.0009"],
  InputInvalid: [400, "LTS.0009"],
  InputOutOfRange: [400, "LTS.0009"],
  InputTooLarge: [400, "LTS.0009"],
  Unsupported: [400, "LTS.0009"],
  TimeRangeInvalid: [400, "LTS.0009"],
  ProjectExists: [400, "LTS.0101", "Failed to create log group, the group name has been existed"],
  ProjectQuotaExceeded: [
    400,
    "LTS.0104",
    "Failed to create log group, the number of log groups exceeds the quota",
  ],
  ProjectNotFound: [404, "LTS.0201", "The log group is not existed"],
  LogstoreExists: [400, "LTS.0205", "The log stream name has been existed"],
  LogstoreQuotaExceeded: [
    400,
    "LTS.0206",
    "Failed to create log stream, the number of Log streams exceeds the quota",
  ],
  LogstoreNotFound: [404, "LTS.0208", "The log stream does not existed"],
  QuerySyntax: [400, "LTS.0301"],
  QueryTooComplex: [400, "LTS.0301"],
  AccessDenied: [403, "LTS.0003", "No permission"],
  StoreUnavailable: [503, "LTS.0010"],
  DiskFull: [503, "LTS.0010"],
  Timeout: [503, "LTS.0010"],
};

const internal: Row = [500, "LTS.0010", "The system encountered an internal error"];

export function refuseLts({ fault, operation }: Pick<Refusal, "fault" | "operation">): ApigAnswer {
  if (fault.field === "project_id" && reports.has(operation)) return foreignReport;
  if (fault.field === tokenHeader) return refuse(401, "LTS.0003", "Invalid token");
  if (fault.field === "project_id") return refuse(403, "LTS.0011", "Invalid projectId");
  if (fault.code === "InputOutOfRange" && fault.field === "retentionDays") {
    return refuse(400, "LTS.0106", "The log group TTL day must be integer and between 1 and 365");
  }
  const [status, code, message] = table[fault.code] ?? internal;
  return refuse(status, code, message ?? textOf(fault));
}

/** Operations of the service's intake, which has a form of its own for this. */
const reports: ReadonlySet<string> = new Set(["ReportLogs", "ReportAccurateLogs"]);
const foreignReport: ApigAnswer = {
  status: 401,
  errorCode: "SVCSTG.ALS.403.105",
  body: { errorCode: "SVCSTG.ALS.403.105", error_msg: "Project id is invalid.", result: null },
};

function textOf({ message, allowed }: Fault): string {
  return allowed === undefined ? message : `${message}; allowed: ${allowed}`;
}
