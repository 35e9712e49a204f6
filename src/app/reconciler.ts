/**
 * Keeps what runs in step with what is configured.
 *
 * Every change of a flow log or resource asks for a reconciliation; they run one at a time. Flows that were
 * metered under the old settings go where the old settings said: capture ends them first, their batches
 * are accepted by the old routes, and only then do the new routes hold.
 */
import { toFault } from "../base/mod.ts";
import { type Capture, subjectKey } from "../capture/mod.ts";
import type { FlowLog } from "../control/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import type { NetflowSink } from "../sink/netflow/mod.ts";
import {
  capturePlanOf,
  deliveriesOf,
  type Delivery,
  type DeliveryContext,
  netflowTargetsOf,
  type PlanSettings,
} from "./delivery.ts";

export interface ReconcilerDependencies {
  readonly capture: Capture;
  readonly netflow: NetflowSink;
  /** What is wanted now. */
  readonly context: () => DeliveryContext;
  readonly settings: PlanSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Reconciler {
  /** Asks for a reconciliation and resolves when one that began after the call is done. Never rejects. */
  reconcile(): Promise<void>;
  /**
   * Resolves when what was asked for so far is done, or after a second: a change then goes on taking effect,
   * which is logged and counted, and isLate() says so for as long as it lasts.
   */
  settled(): Promise<void>;
  /** Whether every change has taken effect in full. */
  isInStep(): boolean;
  /** Whether a change has not taken effect in full for more than a second. */
  isLate(): boolean;
  /** Where a batch of this flow log and resource goes now; undefined if it is not metered. */
  deliveryOf(flowLogId: string, resourceId: string): Delivery | undefined;
  stop(): Promise<void>;
}

/**
 * How long exporters of collectors that are no longer named stay, for what the spool still holds for them;
 * and after how long a reconciliation that failed is tried again.
 */
const againMs = 5000;
/** What a change may take: flows that it ends have to be accepted, which a full disk holds up. */
const settleTimeoutMs = 1000;

export function createReconciler(dependencies: ReconcilerDependencies): Reconciler {
  let current = new Map<string, Delivery>();
  let former: readonly Delivery[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  /** Whether what is wanted is what runs; since when it is not. */
  let inStep = true;
  let outOfStepMs = 0;
  const waitInTime = createPatience(dependencies);

  const run = async (): Promise<void> => {
    if (stopped) return;
    if (inStep) outOfStepMs = performance.now();
    inStep = false;
    const context = dependencies.context();
    const wanted = deliveriesOf(context);
    const pending = context.control.flowLogs.all().filter(({ transition }) => transition !== undefined);
    const before = [...current.values()];
    const merged = new Map(wanted.map((delivery) => [subjectKey(delivery.subject), delivery]));
    // A subject that stays keeps its former routes until its former flows are accepted.
    current = new Map([...merged, ...current]);
    const isHeld = await applyPlan(dependencies, wanted, [...before, ...former]);
    const done = isHeld ? pending : pending.filter(isHeldBefore(dependencies));
    const areSettled = stopped || settle(dependencies, done);
    inStep = isHeld && areSettled;
    // Capture still holds flows of before, because the spool takes none now: their routes must hold.
    if (!isHeld) return;
    current = merged;
    former = before;
  };
  const turns = createTurns(() =>
    run().catch((error: unknown) =>
      dependencies.logger.error({ fault: toFault(error) }, "reconciliation failed"),
    ),
  );
  const reconciler: Reconciler = {
    reconcile: async () => {
      await turns.ask();
      clearTimeout(timer);
      // Once more, to let go of the exporters that only the former settings needed.
      if (!stopped && (!inStep || former.some(({ netflow }) => netflow !== undefined))) {
        timer = setTimeout(() => {
          former = [];
          void (inStep ? turns.ask() : reconciler.reconcile());
        }, againMs);
      }
    },
    settled: () => waitInTime(turns.last()),
    isInStep: () => inStep && turns.last() === undefined,
    isLate: () => !inStep && performance.now() - outOfStepMs > settleTimeoutMs,
    deliveryOf: (flowLogId, resourceId) => current.get(subjectKey({ flowLogId, resourceId })),
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await turns.last();
    },
  };
  return reconciler;
}

/** Runs one at a time: all that is asked for during one is done by one more after it. */
function createTurns(work: () => Promise<void>) {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const ask = (): Promise<void> => {
    if (running === undefined) return (running = work().finally(() => (running = undefined)));
    next ??= running.then(() => {
      next = undefined;
      return ask();
    });
    return next;
  };
  return { ask, last: () => next ?? running };
}

/** What capture holds is no longer under way. False if that cannot be kept, and has to be tried again. */
function settle({ context, logger }: ReconcilerDependencies, flowLogs: readonly FlowLog[]): boolean {
  const { control } = context();
  return flowLogs
    .map(({ id, updatedMs }) => {
      const settled = control.flowLogs.settle(id, updatedMs);
      if (!settled.ok) logger.warn({ flowLogId: id, fault: settled.fault }, "a change stays under way");
      return settled.ok;
    })
    .every((isKept) => isKept);
}

/**
 * Which changes are done though not all of the plan is: new windows are armed as soon as capture holds the
 * plan, whatever becomes of the flows of before. And where no capture comes up, nothing would ever end: the
 * flow log is as it is wanted, and its delivery status says why it has no records.
 */
function isHeldBefore({ capture }: ReconcilerDependencies): (flowLog: FlowLog) => boolean {
  const { state, planSinceMs } = capture.status();
  return ({ transition }) => state !== "running" || (planSinceMs !== null && transition === "activating");
}

/** Waits for the work, but not for long: what takes longer is logged and counted. */
function createPatience({ logger, metrics }: Pick<ReconcilerDependencies, "logger" | "metrics">) {
  const late = metrics.counter(
    "weir_late_changes_total",
    "Changes that were answered before they had taken effect, because that took longer than a second",
  );
  return async (work: Promise<void> | undefined): Promise<void> => {
    if (await isDone(work, settleTimeoutMs)) return;
    late.add();
    logger.warn({ waitedMs: settleTimeoutMs }, "a change is answered before it has taken effect in full");
  };
}

/** Whether the work ends in time. */
async function isDone(work: Promise<void> | undefined, timeoutMs: number): Promise<boolean> {
  if (work === undefined) return true;
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const patience = setTimeout(() => resolve(false), timeoutMs);
  const ended = await Promise.race([work.then(() => true), late]);
  clearTimeout(patience);
  return ended;
}

/** False if capture took the plan, but has not handed over yet what it metered under the one before. */
async function applyPlan(
  { capture, netflow, context, settings, logger }: ReconcilerDependencies,
  wanted: readonly Delivery[],
  former: readonly Delivery[],
): Promise<boolean> {
  // Exporters first: their source ports must be known before the first of their datagrams is seen.
  await netflow.prepare(netflowTargetsOf([...wanted, ...former]));
  const plan = capturePlanOf(wanted, context(), settings, netflow.localPorts());
  const applied = await capture.apply(plan);
  if (!applied.ok) logger.warn({ fault: applied.fault }, "capture did not take the new plan");
  return applied.ok || applied.fault.code !== "Timeout";
}
