/** Faults as the native API answers them: the fault itself, under `error`, with a fitting HTTP status. */
import type { Fault, FaultCode } from "../../../base/mod.ts";

const statusByCode: Partial<Readonly<Record<FaultCode, number>>> = {
  FlowLogNotFound: 404,
  ResourceNotFound: 404,
  ProjectNotFound: 404,
  LogstoreNotFound: 404,
  AccountNotFound: 404,
  AccessKeyNotFound: 404,
  UserNotFound: 404,
  GroupNotFound: 404,
  RoleNotFound: 404,
  PolicyNotFound: 404,
  ResourceGroupNotFound: 404,
  FlowLogAssociated: 409,
  FlowLogStatusConflict: 409,
  FlowLogInTransition: 409,
  FlowLogDuplicate: 409,
  ResourceAlreadyAssociated: 409,
  ResourceNotAssociated: 409,
  ProjectExists: 409,
  ProjectNotEmpty: 409,
  LogstoreExists: 409,
  AccountExists: 409,
  AccountNotEmpty: 409,
  ResourceGroupNotEmpty: 409,
  UserExists: 409,
  GroupExists: 409,
  RoleExists: 409,
  PolicyExists: 409,
  PolicyAttached: 409,
  DiskFull: 507,
  StoreUnavailable: 503,
  CaptureUnavailable: 503,
  Timeout: 504,
  Internal: 500,
};

export function faultStatus(code: FaultCode): number {
  return statusByCode[code] ?? 400;
}

/** The cause stays here: it may hold what is not the caller's to see. */
export function faultBody(refused: Fault): { readonly error: Fault } {
  const { cause: _cause, ...told } = refused;
  return { error: told };
}
