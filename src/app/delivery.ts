/** From flow logs to what capture meters for them and where the batches go. */
import { createHash } from "node:crypto";

import type { CapturePlan, CapturePolicy, CaptureSubject } from "../capture/mod.ts";
import {
  cloudProjectId,
  type Control,
  type FlowLog,
  type MeteringPolicy,
  type Resource,
} from "../control/mod.ts";
import { type NetflowEndpoint, netflowSinkName, type NetflowTarget } from "../sink/netflow/mod.ts";
import { storeSinkName } from "../sink/store/mod.ts";
import type { SpoolRoute } from "../spool/mod.ts";
import type { StoreTarget } from "../store/mod.ts";
import { selectInterfaces } from "./interfaces.ts";

/** One flow log on one resource, as it is to run now. */
export interface Delivery {
  readonly subject: CaptureSubject;
  /** Where its records go; undefined where that output is off or cannot be had. */
  readonly store?: StoreTarget;
  readonly netflow?: NetflowTarget;
}

export interface DeliveryContext {
  readonly control: Control;
  /** The host's interfaces that are resources, by name. */
  readonly interfaceNames: readonly string[];
  /** Concurrent flows of one flow log on one resource. */
  readonly flowsMax: number;
  /** Whether capture knows what the firewall decided on a packet. */
  readonly verdicts: boolean;
}

/** A flow log on one of the resources that it observes now. */
interface Coverage {
  readonly flowLog: FlowLog;
  readonly resource: Resource;
}

/**
 * Everything that is to be metered: active flow logs on present resources that carry flow logs. One that was
 * created on a VPC or a subnet has a delivery for each interface there, so that each has records of its own.
 */
export function deliveriesOf(context: DeliveryContext): Delivery[] {
  const covered = coveredBy(context, (flowLog) => isMetered(flowLog, context.verdicts));
  const windows = shortestWindows(covered);
  return covered.map((coverage) => deliveryOf(context, coverage, windows));
}

/** What is active and cannot be metered, because it selects by a verdict and nobody knows verdicts at present. */
function suspendedOf(context: DeliveryContext): CaptureSubject[] {
  const covered = coveredBy(context, (flowLog) => !isMetered(flowLog, context.verdicts));
  const windows = shortestWindows(covered);
  return covered.map((coverage) => subjectOf(context, coverage, windows));
}

function coveredBy({ control }: DeliveryContext, isWanted: (flowLog: FlowLog) => boolean): Coverage[] {
  return control.flowLogs
    .all()
    .filter(({ status, transition }) => status === "active" && transition !== "deleting")
    .filter(isWanted)
    .flatMap((flowLog) => coverageOf(control, flowLog));
}

/** What selects by a verdict has no records while nobody knows verdicts: not even empty windows, which would be invented. */
function isMetered({ filter }: FlowLog, verdicts: boolean): boolean {
  return verdicts || filter.trafficType === "all";
}

function coverageOf({ flowLogs, resources }: Control, flowLog: FlowLog): Coverage[] {
  const { id, target } = flowLog;
  const covered =
    target === undefined
      ? flowLogs.resourcesOf(id).filter(({ present, flowLogSupport }) => present && flowLogSupport === "full")
      : resources.interfacesOf(target.id);
  return covered.map((resource) => ({ flowLog, resource }));
}

/**
 * The window of each resource that flow logs of the VPC service cover, seconds: where several do, the shortest
 * holds for all of them there, as in the cloud.
 */
function shortestWindows(covered: readonly Coverage[]): ReadonlyMap<string, number> {
  const windows = new Map<string, number>();
  for (const { flowLog, resource } of covered) {
    const { policy, service } = flowLog;
    if (service !== "vpc" || policy.kind !== "window") continue;
    windows.set(resource.id, Math.min(policy.windowS, windows.get(resource.id) ?? Infinity));
  }
  return windows;
}

function subjectOf(
  { interfaceNames, flowsMax, verdicts }: DeliveryContext,
  { flowLog, resource }: Coverage,
  windows: ReadonlyMap<string, number>,
): CaptureSubject {
  const { interfaceName } = resource;
  const isInterface = resource.type === "interface" && interfaceName !== undefined;
  const patterns = { include: resource.interfaceNames ?? ["*"], exclude: [] };
  const { trafficType, ipVersions } = flowLog.filter;
  return {
    flowLogId: flowLog.id,
    resourceId: resource.id,
    scope: isInterface ? "interface" : "gateway",
    interfaceNames: isInterface ? [interfaceName] : selectInterfaces(interfaceNames, patterns),
    policy: capturePolicyOf(flowLog, windows.get(resource.id)),
    filter: { trafficType, ipVersions },
    // A gateway's records have no place for them.
    verdicts: verdicts && flowLog.target !== undefined,
    observationDomain: flowLog.number,
    flowsMax,
    revision: revisionOf(flowLog),
  };
}

/** Differs where flows are metered otherwise or go elsewhere; a new name cuts none. 48 bits of a digest. */
function revisionOf({ policy, filter, outputs }: FlowLog): number {
  const digest = createHash("sha256")
    .update(JSON.stringify([policy, filter, outputs]))
    .digest();
  return digest.readUIntBE(0, 6);
}

function capturePolicyOf({ policy, service }: FlowLog, shortestS: number | undefined): CapturePolicy {
  if (policy.kind === "window") {
    const windowS = service === "vpc" ? (shortestS ?? policy.windowS) : policy.windowS;
    return { kind: "window", windowMs: windowS * 1000 };
  }
  return {
    kind: "aging",
    activeTimeoutMs: policy.activeTimeoutS * 1000,
    inactiveTimeoutMs: policy.inactiveTimeoutS * 1000,
  };
}

/** The routes that the spool keeps with each batch of the delivery. */
export function routesOf({ store, netflow }: Delivery): SpoolRoute[] {
  return [
    ...(store === undefined ? [] : [{ sink: storeSinkName, target: { ...store } }]),
    ...(netflow === undefined ? [] : [{ sink: netflowSinkName, target: { ...netflow } }]),
  ];
}

function deliveryOf(
  context: DeliveryContext,
  coverage: Coverage,
  windows: ReadonlyMap<string, number>,
): Delivery {
  const store = storeTargetOf(context.control, coverage);
  const netflow = netflowTargetOf(coverage.flowLog);
  return {
    subject: subjectOf(context, coverage, windows),
    ...(store === undefined ? {} : { store }),
    ...(netflow === undefined ? {} : { netflow }),
  };
}

/** Undefined where the log service output is off, or names a logstore that does not exist. */
function storeTargetOf(control: Control, { flowLog, resource }: Coverage): StoreTarget | undefined {
  const { enabled, regionId, project, logstore } = flowLog.outputs.logService;
  if (!enabled) return undefined;
  const { accountId } = flowLog;
  const found = control.logProjects.getLogstore({ accountId, regionId, project, logstore });
  if (!found.ok) return undefined;
  const isHuawei = flowLog.service === "huawei";
  return {
    logstore: found.value.id,
    flowLogId: flowLog.id,
    service: flowLog.service,
    resourceId: isHuawei ? resource.uuid : resource.id,
    resourceSerial: resource.serial,
    ...control.resources.placeOf(resource.id),
    accountId,
    regionId: flowLog.regionId,
    projectId: isHuawei ? cloudProjectId(accountId, flowLog.regionId) : "",
  };
}

function netflowTargetOf(flowLog: FlowLog): NetflowTarget | undefined {
  const { enabled, address, port, version } = flowLog.outputs.netflow;
  if (!enabled) return undefined;
  return {
    flowLogId: flowLog.id,
    address,
    port,
    version,
    observationDomain: flowLog.number,
    ...timeoutsOf(flowLog.policy),
  };
}

/** A window is the longest that a flow goes on without a record, and the longest that it may be silent. */
function timeoutsOf(policy: MeteringPolicy): Pick<NetflowTarget, "activeTimeoutS" | "inactiveTimeoutS"> {
  if (policy.kind === "window") return { activeTimeoutS: policy.windowS, inactiveTimeoutS: policy.windowS };
  const { activeTimeoutS, inactiveTimeoutS } = policy;
  return { activeTimeoutS, inactiveTimeoutS };
}

export interface PlanSettings {
  readonly loopback: boolean;
  readonly natInterfaces: readonly string[];
}

/** What capture is asked to do for the deliveries; `exports` are Weir's own datagrams, which it leaves out. */
export function capturePlanOf(
  deliveries: readonly Delivery[],
  context: DeliveryContext,
  settings: PlanSettings,
  exports: readonly NetflowEndpoint[],
): CapturePlan {
  const { interfaceNames } = context;
  return {
    subjects: deliveries.map(({ subject }) => subject),
    suspended: suspendedOf(context),
    excluded: exports.map(({ address, port, sourcePort }) => ({
      address,
      port,
      ...(sourcePort === undefined ? {} : { sourcePort }),
    })),
    loopback: settings.loopback,
    natInterfaces: selectInterfaces(interfaceNames, { include: settings.natInterfaces, exclude: [] }),
  };
}

/** The collectors that the deliveries name. */
export function netflowTargetsOf(deliveries: readonly Delivery[]): NetflowTarget[] {
  return deliveries.flatMap(({ netflow }) => netflow ?? []);
}
