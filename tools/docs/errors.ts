/** docs/reference/errors.md: every fault code and what it means. */
import type { FaultCode } from "../../src/base/mod.ts";
import { code, generatedNote, markdownTable } from "./markdown.ts";

/** A code without a line here does not compile. */
const meanings: Readonly<Record<FaultCode, string>> = {
  InputMissing: "Something that is needed was not given",
  InputInvalid: "A value of the wrong form, or a name that does not exist",
  InputOutOfRange: "A number outside its bounds",
  InputTooLarge: "More bytes than are accepted",
  Truncated: "A file or datagram ends in the middle",
  Malformed: "Bytes that are not what they claim to be",
  Unsupported: "A form or version that Weir does not read",
  ChecksumMismatch: "Bytes that changed since they were written",
  FlowLogNotFound: "No flow log of that id in this account and region",
  FlowLogAssociated: "A flow log that still observes a resource cannot be deleted",
  FlowLogStatusConflict: "The flow log's status does not allow this",
  FlowLogQuotaExceeded:
    "The account has as many flow logs of the service in the region as the settings of `flowLogs` allow",
  FlowLogInTransition: "A change of the flow log is under way, and its service takes no second one meanwhile",
  FlowLogDuplicate: "Another flow log delivers the same traffic of the resource to the same place",
  TagQuotaExceeded: "More tags than a flow log may have",
  TrafficPathUnsupported: "The flow log asks for a traffic path, which this host cannot tell apart",
  ServiceNotOpen: "The flow-log service has to be opened in the region first",
  RequestTokenReused: "The client's request token came with another request before",
  ResourceGroupNotFound: "No resource group has this id in the account",
  ResourceGroupNotEmpty:
    "The resource group still has flow logs or projects, or is the account's default one",
  ResourceNotFound: "No resource of that id in this account and region, or it is absent at present",
  ResourceAlreadyAssociated: "The resource already carries another flow log",
  ResourceNotAssociated: "The flow log does not observe that resource",
  ResourceUnsupported: "The resource's model carries no flow logs",
  ResourceFeatureMissing: "The resource's edition carries no flow logs",
  RegionNotFound: "A region that is not in the settings `regions.*`",
  ProjectNotFound: "No project of that name in this account and region",
  ProjectExists: "A project of that name exists",
  ProjectNotEmpty: "The project still has logstores",
  ProjectQuotaExceeded: "The account has as many projects as it may have",
  LogstoreNotFound: "No logstore of that name in the project",
  LogstoreExists: "A logstore of that name exists in the project",
  LogstoreQuotaExceeded: "The project has as many logstores as it may have",
  AccountNotFound: "No account of that id or name",
  AccountExists: "An account of that name exists",
  AccountNotEmpty: "The account still has something of its own, or is the installation's",
  AccessKeyNotFound: "No access key of that id",
  AccessKeyInactive: "The access key is disabled",
  UserNotFound: "No user of that name in the account",
  UserExists: "A user of that name exists",
  GroupNotFound: "No group of that name in the account",
  GroupExists: "A group of that name exists",
  RoleNotFound: "No role of that name in the account",
  RoleExists: "A role of that name exists",
  PolicyNotFound: "No policy of that name in the account, or it is not attached there",
  PolicyExists: "A policy of that name exists",
  PolicyAttached: "A policy that users or roles have cannot be deleted",
  PolicyMalformed: "A policy document that does not say what policies say; the field names the place",
  AccessDenied: "No policy of the caller allows this, or one denies it",
  TooManyRequests: "More requests than are accepted at a time; try again later",
  SignatureMissing: "A request without signature",
  SignatureMalformed: "A signature, or what it needs, of the wrong form",
  SignatureMismatch: "The signature does not fit the request and the key's secret",
  SignatureMethodUnsupported: "A signature method or version that Weir does not know",
  TimestampMalformed: "A request time of the wrong form",
  TimestampSkewed: "A request signed too long ago, or in the future: compare the clocks",
  NonceReused: "A request that was received before",
  SecurityTokenMissing: "A session's access key without the session's security token",
  SecurityTokenMalformed: "A security token that was not given out here",
  SecurityTokenExpired: "A security token whose session has ended",
  SecurityTokenMismatch: "A security token that belongs to another access key",
  QuerySyntax: "A search that does not parse; the message names the place",
  QueryTooComplex: "A search with more terms or depth than is accepted",
  QueryUnsupported: "A part of the query language that Weir does not have",
  TimeRangeInvalid: "A time range that is empty, reversed or not one",
  ConfigInvalid:
    "A setting that does not exist or a value that is not allowed; see [configuration](configuration.md)",
  PortInUse: "Another program listens on that address",
  DataDirectoryLocked: "Another Weir uses that data directory",
  DataDirectoryUnusable: "The data directory cannot be created or written, or is a newer Weir's",
  PrivilegeMissing: "This user may not do that; see [privileges](../how-to/privileges.md)",
  KernelFeatureMissing: "The kernel or the Node.js lacks something that capture needs",
  DiskFull: "No room in the data directory",
  SpoolFull: "The spool is at its bound `spool.bytesMax`",
  StoreUnavailable: "The store does not answer; batches wait in the spool",
  CaptureUnavailable: "Packets cannot be captured; the message says why",
  SendFailed: "A datagram or request could not be sent",
  ServerNotRunning: "No Weir answers in the data directories that were tried",
  Timeout: "Something took longer than it may",
  Internal: "A mistake in Weir: please report it with the log",
};

export function errorsPage(): string {
  const rows = Object.entries(meanings).map(([name, meaning]) => [code(name), meaning]);
  return `# Errors

Weir's own faults, as the command line and the native API give them: with \`--json\` as
\`{"error":{"code":…,"message":…,"field":…,"value":…,"allowed":…,"remedy":…,"retryable":…}}\`. \`field\`, \`value\`,
\`allowed\` and \`remedy\` are there where they are known; \`retryable\` tells whether the same call may succeed
later. The clouds' APIs answer with their own codes.

The command line's exit code is 0 when all went well, 1 after a fault, 2 after bad usage.

${generatedNote}
${markdownTable(["code", "meaning"], rows)}`;
}
