/** From flow logs to what capture meters for them and where the batches go. */
import { allTraffic, type CapturePlan, type CapturePolicy, type CaptureSubject } from "../capture/mod.ts";
import type { Control, FlowLog, Resource } from "../control/mod.ts";
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
}

/** Everything that is to be metered: active flow logs on present resources that carry flow logs. */
export function deliveriesOf(context: DeliveryContext): Delivery[] {
  const { flowLogs } = context.control;
  return flowLogs
    .all()
    .filter((flowLog) => flowLog.status === "active")
    .flatMap((flowLog) =>
      flowLogs
        .resourcesOf(flowLog.id)
        .filter((resource) => resource.present && resource.flowLogSupport === "full")
        .map((resource) => deliveryOf(context, flowLog, resource)),
    );
}

function subjectOf(
  { interfaceNames, flowsMax }: DeliveryContext,
  flowLog: FlowLog,
  resource: Resource,
): CaptureSubject {
  const { interfaceName } = resource;
  const isInterface = resource.type === "interface" && interfaceName !== undefined;
  const patterns = { include: resource.interfaceNames ?? ["*"], exclude: [] };
  return {
    flowLogId: flowLog.id,
    resourceId: resource.id,
    scope: resource.type,
    interfaceNames: isInterface ? [interfaceName] : selectInterfaces(interfaceNames, patterns),
    policy: capturePolicyOf(flowLog),
    filter: allTraffic,
    verdicts: false,
    observationDomain: flowLog.number,
    flowsMax,
    revision: flowLog.updatedMs,
  };
}

function capturePolicyOf({ policy }: FlowLog): CapturePolicy {
  if (policy.kind === "window") return { kind: "window", windowMs: policy.windowS * 1000 };
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

function deliveryOf(context: DeliveryContext, flowLog: FlowLog, resource: Resource): Delivery {
  const store = storeTargetOf(context.control, flowLog, resource);
  const netflow = netflowTargetOf(flowLog);
  return {
    subject: subjectOf(context, flowLog, resource),
    ...(store === undefined ? {} : { store }),
    ...(netflow === undefined ? {} : { netflow }),
  };
}

/** Undefined where the log service output is off, or names a logstore that does not exist. */
function storeTargetOf(control: Control, flowLog: FlowLog, resource: Resource): StoreTarget | undefined {
  const { enabled, regionId, project, logstore } = flowLog.outputs.logService;
  if (!enabled) return undefined;
  const { accountId } = flowLog;
  const found = control.logProjects.getLogstore({ accountId, regionId, project, logstore });
  if (!found.ok) return undefined;
  return {
    logstore: found.value.id,
    flowLogId: flowLog.id,
    resourceId: resource.id,
    resourceSerial: resource.serial,
    accountId,
    regionId: flowLog.regionId,
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
    activeTimeoutS: flowLog.policy.activeTimeoutS,
    inactiveTimeoutS: flowLog.policy.inactiveTimeoutS,
  };
}

export interface PlanSettings {
  readonly loopback: boolean;
  readonly natInterfaces: readonly string[];
}

/** What capture is asked to do for the deliveries; `exports` are Weir's own datagrams, which it leaves out. */
export function capturePlanOf(
  deliveries: readonly Delivery[],
  interfaceNames: readonly string[],
  settings: PlanSettings,
  exports: readonly NetflowEndpoint[],
): CapturePlan {
  return {
    subjects: deliveries.map(({ subject }) => subject),
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
