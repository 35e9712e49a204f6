/** The parts of a running Weir, built and started in the order in which they need each other. */
import { ok, type Result, systemClock } from "../base/mod.ts";
import {
  type Capture,
  createFirewall,
  createVerdictCapture,
  discoverInterfaces,
  type VerdictCaptureDeps,
  type WindowMemory,
} from "../capture/mod.ts";
import { type Control, openControl } from "../control/mod.ts";
import {
  createHealth,
  createLogger,
  createMetrics,
  type Health,
  healthy,
  type Logger,
  type Metrics,
  unhealthy,
} from "../observe/mod.ts";
import { type ChildRegister, openChildRegister } from "../process/mod.ts";
import { createNetflowSink, type NetflowSink, netflowSinkName } from "../sink/netflow/mod.ts";
import { createStoreSink, type StoreSink, storeSinkName } from "../sink/store/mod.ts";
import { openSpool, type Spool } from "../spool/mod.ts";
import { createStore, type Store } from "../store/mod.ts";
import type { Configuration } from "./config/mod.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { type DeliveryContext, routesOf } from "./delivery.ts";
import { createDroppedWindows } from "./dropped-windows.ts";
import { createIntake, type Intake } from "./intake.ts";
import { hostInterfaces, syncResources } from "./resources.ts";
import { createReconciler, type Reconciler } from "./reconciler.ts";
import { createShutdown, type Shutdown } from "./shutdown.ts";
import { openSteadyClock, type SteadyClock } from "./steady-clock.ts";
import { verdictsOf, wantsVerdicts } from "./verdicts.ts";
import { openWindowMemory } from "./window-memory.ts";

export interface System {
  readonly configuration: Configuration;
  readonly data: DataDirectory;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly health: Health;
  readonly steadyClock: SteadyClock;
  readonly shutdown: Shutdown;
  readonly control: Control;
  readonly spool: Spool;
  readonly store: Store;
  readonly netflow: NetflowSink;
  readonly capture: Capture;
  readonly reconciler: Reconciler;
  readonly intake: Intake;
}

/**
 * Builds and starts everything behind the API. What cannot be had at all is a fault, after which nothing
 * is left running; a missing capture is none: its reason is in `capture.status()`.
 */
export async function startSystem(configuration: Configuration): Promise<Result<System>> {
  const metrics = createMetrics();
  const logger = createLogger(configuration.log.level, metrics);
  const shutdown = createShutdown(logger);
  const started = await buildSystem({ configuration, logger, metrics, shutdown }).catch(
    async (error: unknown) => {
      await shutdown.run();
      throw error;
    },
  );
  if (!started.ok) await shutdown.run();
  return started;
}

/** The way into the store alone, without capture and API. */
export interface StorePath extends Foundation {
  readonly control: Control;
  readonly spool: Spool;
  readonly store: Store;
  readonly storeSink: StoreSink;
}

/** Opens what a load into the store needs, ready to take batches; after a fault nothing is left running. */
export async function openStorePath(configuration: Configuration): Promise<Result<StorePath>> {
  const metrics = createMetrics();
  const logger = createLogger(configuration.log.level, metrics);
  const shutdown = createShutdown(logger);
  const opened = await buildStorePath({ configuration, logger, metrics, shutdown });
  if (!opened.ok) await shutdown.run();
  return opened;
}

async function buildStorePath(ground: Ground): Promise<Result<StorePath>> {
  const foundation = openFoundation(ground);
  if (!foundation.ok) return foundation;
  const { value: parts } = foundation;
  const storage = openStorage(parts);
  if (!storage.ok) return storage;
  const storeSink = openStoreSink({ ...parts, ...storage.value });
  const stored = await storage.value.store.start();
  if (!stored.ok) return stored;
  const delivering = await storeSink.start();
  return delivering.ok ? ok({ ...parts, ...storage.value, storeSink }) : delivering;
}

async function buildSystem(ground: Ground): Promise<Result<System>> {
  const { logger, shutdown } = ground;
  const foundation = openFoundation(ground);
  if (!foundation.ok) return foundation;
  const { value: parts } = foundation;
  const resources = syncResources(parts);
  if (!resources.ok) return resources;
  const storage = openStorage(parts);
  if (!storage.ok) return storage;
  const windowMemory = openWindowMemory(parts.data.file("windows.sqlite"), logger);
  if (!windowMemory.ok) return windowMemory;
  shutdown.add("accounted windows", () => windowMemory.value.close());
  const flows = openFlowPath({ ...parts, ...storage.value, windowMemory: windowMemory.value });
  const [stored, captured] = await Promise.all([storage.value.store.start(), flows.capture.start()]);
  if (!stored.ok) return stored;
  if (!captured.ok) logger.warn({ fault: captured.fault }, "capture is off");
  const delivering = await flows.startSinks();
  if (!delivering.ok) return delivering;
  await flows.reconciler.reconcile();
  const system = { ...parts, ...storage.value, ...flows };
  return ok({ ...system, health: healthOf(system) });
}

/** What there is before anything is opened. */
interface Ground {
  readonly configuration: Configuration;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly shutdown: Shutdown;
}

interface Foundation extends Ground {
  readonly data: DataDirectory;
  readonly children: ChildRegister;
  readonly steadyClock: SteadyClock;
  readonly control: Control;
}

function openFoundation(ground: Ground): Result<Foundation> {
  const { configuration, logger, shutdown } = ground;
  const data = openDataDirectory(configuration.data);
  if (!data.ok) return data;
  shutdown.add("data directory", () => data.value.release());
  const children = openChildRegister(data.value.file("children.json"), { logger });
  const steadyClock = openSteadyClock(data.value.file("clock.json"), { clock: systemClock, logger });
  shutdown.add("steady clock", () => steadyClock.save());
  const parts = { ...ground, data: data.value, children, steadyClock };
  const control = openControlPlane(parts);
  return control.ok ? ok({ ...parts, control: control.value }) : control;
}

function openControlPlane({
  configuration,
  data,
  logger,
  shutdown,
}: Omit<Foundation, "control">): Result<Control> {
  const opened = openControl(
    {
      path: data.file("control.sqlite"),
      regionId: configuration.defaultRegion,
      regions: configuration.regions,
      flowLogsMax: configuration.flowLogs.quota,
      quotas: { vpc: configuration.flowLogs.vpcQuota, huawei: configuration.flowLogs.huaweiQuota },
      openByDefault: configuration.flowLogs.openByDefault,
      createLogTargets: configuration.flowLogs.createLogProjects,
      logProjects: { ...configuration.logProjects, retentionDays: configuration.store.retentionDays },
    },
    { clock: systemClock, logger },
  );
  if (opened.ok) shutdown.add("control", () => opened.value.close());
  return opened;
}

function openStorage({
  configuration,
  data,
  logger,
  metrics,
  shutdown,
  children,
  steadyClock,
}: Foundation): Result<{ spool: Spool; store: Store }> {
  const { bytesMax } = configuration.spool;
  const spool = openSpool(
    { path: data.file("spool.sqlite"), bytesMax, sinks: [storeSinkName, netflowSinkName] },
    {
      clock: steadyClock.receipt,
      logger,
      metrics,
      onDropped: (batch) => droppedWindows.dropped(batch),
    },
  );
  if (!spool.ok) return spool;
  const droppedWindows = createDroppedWindows({
    agentId: data.agentId,
    append: (input) => spool.value.append(input),
    logger,
    metrics,
  });
  shutdown.add("spool", () => spool.value.close());
  shutdown.add("dropped windows", () => droppedWindows.tell());
  const { memoryBytesMax, readers, deduplicate, rollups } = configuration.store;
  const rollupDays = { "1m": rollups.minuteDays, "5m": rollups.fiveMinuteDays, "1h": rollups.hourDays };
  const store = createStore(
    { path: data.file("store"), memoryBytesMax, readers, deduplicate, rollupDays },
    { clock: steadyClock.retention, logger, metrics, children },
  );
  shutdown.add("store", () => store.stop());
  return ok({ spool: spool.value, store });
}

function openStoreSink({
  data,
  logger,
  metrics,
  shutdown,
  spool,
  store,
}: Foundation & { spool: Spool; store: Store }): StoreSink {
  const storeSink = createStoreSink(
    { deadLetterPath: data.file("dead-letter") },
    { clock: systemClock, logger, metrics, spool, store },
  );
  shutdown.add("store sink", () => storeSink.stop());
  return storeSink;
}

interface FlowPath {
  readonly netflow: NetflowSink;
  readonly capture: Capture;
  readonly reconciler: Reconciler;
  readonly intake: Intake;
  /** Before the first batch is accepted: positions must lie above those in the store. */
  readonly startSinks: () => Promise<Result<void>>;
}

/** Capture, the spool's intake and the sinks, joined by the routes that the reconciler knows. */
function openFlowPath(
  parts: Foundation & { spool: Spool; store: Store; windowMemory: WindowMemory },
): FlowPath {
  const { configuration, logger, metrics, shutdown, spool } = parts;
  const shared = { spool, logger, metrics, clock: systemClock };
  const storeSink = openStoreSink(parts);
  const { templateRefreshDatagrams, templateRefreshS, bytesPerSecondMax } = configuration.netflow;
  const netflow = createNetflowSink(
    {
      refreshDatagrams: templateRefreshDatagrams,
      refreshMs: templateRefreshS * 1000,
      bytesPerSecond: bytesPerSecondMax,
    },
    {
      ...shared,
      interfaceNames: () => discoverInterfaces(),
      flowLogExists: (flowLogId) => parts.control.flowLogs.find(flowLogId) !== undefined,
      // Another source port has to be left out by capture.
      onEndpointsChanged: () => void reconciler.reconcile(),
    },
  );
  const intake = createIntake({
    ...shared,
    routesOf: ({ flowLogId, resourceId }) => {
      const delivery = reconciler.deliveryOf(flowLogId, resourceId);
      return delivery === undefined ? [] : routesOf(delivery);
    },
    wake: () => {
      storeSink.wake();
      netflow.wake();
    },
  });
  const { loopback, natInterfaces } = configuration.capture;
  const capture = openCapture(parts, {
    accept: (bytes) => intake.accept(bytes),
    onVerdictsChanged: () => void reconciler.reconcile(),
    windowMemory: parts.windowMemory,
  });
  const reconciler = createReconciler({
    capture,
    netflow,
    context: () => deliveryContext(parts, capture),
    settings: { loopback, natInterfaces },
    logger,
    metrics,
  });
  shutdown.add("netflow sink", () => netflow.stop());
  shutdown.add("delivery of what is accepted", () => drain(spool));
  shutdown.add("capture", () => capture.stop());
  shutdown.add("reconciler", () => reconciler.stop(), reconcilerTimeoutMs);
  const startSinks = (): Promise<Result<void>> => {
    netflow.start();
    return storeSink.start();
  };
  return { netflow, capture, reconciler, intake, startSinks };
}

function openCapture(
  { configuration, data, logger, metrics, children, control }: Foundation,
  deps: Pick<VerdictCaptureDeps, "accept" | "onVerdictsChanged" | "windowMemory">,
): Capture {
  const { method, workers, ringBytes, snapshotBytes, encapsulations, verdictGroup } = configuration.capture;
  return createVerdictCapture(
    { method, workers, ringBytes, snapshotBytes, encapsulations, verdictGroup },
    {
      ...deps,
      logger,
      metrics,
      clock: systemClock,
      agentId: data.agentId,
      children,
      firewall: createFirewall(verdictGroup),
      wanted: () => wantsVerdicts(control.flowLogs.all()),
    },
  );
}

function deliveryContext({ configuration, control }: Foundation, capture: Capture): DeliveryContext {
  const { flowsMax } = configuration.capture;
  const interfaceNames = hostInterfaces(configuration).map(({ name }) => name);
  return { control, interfaceNames, flowsMax, verdicts: verdictsOf(capture).available };
}

/** A plan that capture takes long over must not use up the time that its flows need to be accepted. */
const reconcilerTimeoutMs = 1000;
/** How long a stop waits for the sinks; what is left then stays in the spool for the next start. */
const drainTimeoutMs = 3000;
const drainPollMs = 20;

async function drain(spool: Spool): Promise<void> {
  const deadlineMs = performance.now() + drainTimeoutMs;
  while (spool.status().sinks.some(({ pending }) => pending > 0) && performance.now() < deadlineMs) {
    await new Promise((resolve) => setTimeout(resolve, drainPollMs));
  }
}

function healthOf({
  capture,
  intake,
  spool,
  store,
}: Pick<System, "capture" | "intake" | "spool" | "store">): Health {
  const health = createHealth();
  health.register("store", () =>
    store.status().state === "ready" ? healthy : unhealthy("the store does not answer"),
  );
  health.register("spool", () => {
    const refusal = intake.refusal();
    if (refusal !== undefined) return unhealthy(`flows wait to be accepted: ${refusal.message}`);
    const { droppedBatches } = spool.status();
    return droppedBatches === 0
      ? healthy
      : { ok: true, text: `${droppedBatches} batches were dropped at the bound` };
  });
  health.register("capture", () => {
    const { state, fault: reason } = capture.status();
    if (state === "running") return healthy;
    // A Weir without the privilege to capture still serves its API and its records, by design.
    return state === "unavailable" ? { ok: true, text: reason?.message ?? state } : unhealthy(state);
  });
  return health;
}
