/** Live interfaces to flows: the capture process, its plan, and the interfaces there are. */
export { type Capture, type CaptureDeps, createCapture } from "./capture.ts";
export type { CaptureConfig, ReplayConfig } from "./config.ts";
export { discoverInterfaces, type HostInterface, type InterfaceKind } from "./interface.ts";
export {
  allTraffic,
  type CaptureMethod,
  type CapturePlan,
  type CapturePolicy,
  type CaptureStatus,
  type CaptureSubject,
  type ExcludedExport,
  type InterfaceState,
  type InterfaceStatus,
  ledgerError,
  type LedgerEntry,
  type PrivilegeReport,
  subjectKey,
  type SubjectStatus,
  type TrafficFilter,
} from "./plan.ts";
