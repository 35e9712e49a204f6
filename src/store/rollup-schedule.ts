/** When the tiers are filled: regularly, and at once where many flows have come in. */
import type { Clock, Result } from "../base/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import type { RollupOutcome } from "./rollup.ts";

/** Flows that are not in a tier yet are read one by one: more than this many are not left to wait. */
const waitingFlowsMax = 2 ** 20;

export interface RollupScheduleDependencies {
  /** Rolls up what there is, for a bounded time. */
  readonly rollUp: () => Promise<Result<RollupOutcome>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export interface RollupSchedule {
  start(): void;
  /** Resolves when nothing is being rolled up any more. */
  stop(): Promise<void>;
  /** Says that so many flows have been stored. */
  note(flows: number): void;
  /** Rolls up now, after what is being rolled up. */
  run(): Promise<Result<RollupOutcome>>;
}

interface ScheduleState {
  readonly dependencies: RollupScheduleDependencies;
  readonly metrics: ReturnType<typeof createRollupMetrics>;
  timer: NodeJS.Timeout | undefined;
  /** The last run that was asked for, while it is not done. */
  running: Promise<Result<RollupOutcome>> | undefined;
  waitingFlows: number;
  /** When the tiers last had everything. */
  completeAtMs: number;
  isFaulty: boolean;
}

export function createRollupSchedule(
  intervalMs: number,
  dependencies: RollupScheduleDependencies,
): RollupSchedule {
  const { metrics, clock } = dependencies;
  const state: ScheduleState = {
    dependencies,
    metrics: createRollupMetrics(metrics),
    timer: undefined,
    running: undefined,
    waitingFlows: 0,
    completeAtMs: clock.monotonicMs(),
    isFaulty: false,
  };
  return {
    start: () => {
      state.completeAtMs = clock.monotonicMs();
      state.timer ??= setInterval(() => void catchUp(state), intervalMs).unref();
    },
    stop: async () => {
      clearInterval(state.timer);
      state.timer = undefined;
      await state.running;
    },
    note: (flows) => {
      state.waitingFlows += flows;
      if (state.waitingFlows >= waitingFlowsMax) void catchUp(state);
    },
    run: () => run(state),
  };
}

function createRollupMetrics(metrics: Metrics) {
  return {
    flows: metrics.counter("weir_store_rolled_up_flows_total", "Flows that came into the rollup tiers"),
    faults: metrics.counter("weir_store_rollup_faults_total", "Rollups that failed, by code"),
    lag: metrics.gauge(
      "weir_store_rollup_lag_seconds",
      "How long ago the rollup tiers last had every flow; newer ones are read one by one",
    ),
  };
}

/** Rolls up until nothing is left, something fails or the schedule is stopped. */
async function catchUp(state: ScheduleState): Promise<void> {
  if (state.running !== undefined) return;
  while (state.timer !== undefined) {
    const outcome = await run(state);
    if (!outcome.ok || !outcome.value.isBehind) return;
  }
}

function run(state: ScheduleState): Promise<Result<RollupOutcome>> {
  const mine = (state.running ?? Promise.resolve())
    .then(() => runOnce(state))
    .finally(() => {
      if (state.running === mine) state.running = undefined;
    });
  state.running = mine;
  return mine;
}

async function runOnce(state: ScheduleState): Promise<Result<RollupOutcome>> {
  const { metrics, dependencies } = state;
  const { clock, logger } = dependencies;
  const startedMs = clock.monotonicMs();
  state.waitingFlows = 0;
  const outcome = await dependencies.rollUp();
  if (outcome.ok) {
    metrics.flows.add(outcome.value.flows);
    if (!outcome.value.isBehind) state.completeAtMs = startedMs;
  } else {
    metrics.faults.add(1, { code: outcome.fault.code });
    if (!state.isFaulty) logger.warn({ fault: outcome.fault }, "flows cannot be rolled up, trying again");
  }
  state.isFaulty = !outcome.ok;
  metrics.lag.set((clock.monotonicMs() - state.completeAtMs) / 1000);
  return outcome;
}
