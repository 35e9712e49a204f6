/** Live interfaces to flows: the capture process, its plan, and the interfaces there are. */
export type { WindowMemory } from "./accounted-windows.ts";
export { type Capture, type CaptureDeps, createCapture } from "./capture.ts";
export type { CaptureConfig, ReplayConfig } from "./config.ts";
export { discoverInterfaces, type HostInterface, type InterfaceKind } from "./interface.ts";
export { createFirewall, type Firewall, type FirewallTableState } from "./nflog/firewall.ts";
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
  type VerdictStatus,
  type WorkerStatus,
} from "./plan.ts";
export { createVerdictCapture, type VerdictCaptureDeps } from "./verdict-capture.ts";
export { createWorkerGroup } from "./worker-group.ts";
