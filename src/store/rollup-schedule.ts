/**
 * When the tiers are filled: when they lack so many flows that it is worth a part in each of them. Until then
 * flows are read one by one, which costs little.
 */
import type { Result } from "../base/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import type { RollupOutcome } from "./rollup.ts";

/** More flows than this do not wait for the interval's end. */
const waitingFlowsMax = 2 ** 20;

export interface RollupScheduleConfig {
  /** How often is looked for flows that wait; 0 is never. */
  readonly intervalMs: number;
  /** How many flows of a logstore may wait. */
  readonly flowsMin: number;
}

export interface RollupScheduleDependencies {
  /** Rolls up logstores of which at least so many flows wait, for a bounded time. */
  readonly rollUp: (flowsMin: number) => Promise<Result<RollupOutcome>>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface RollupSchedule {
  start(): void;
  /** Resolves when nothing is being rolled up any more. */
  stop(): Promise<void>;
  /** Says that so many flows have been stored. */
  note(flows: number): void;
  /** Rolls up everything now, after what is being rolled up. */
  run(): Promise<Result<RollupOutcome>>;
}

interface ScheduleState {
  readonly config: RollupScheduleConfig;
  readonly dependencies: RollupScheduleDependencies;
  readonly metrics: ReturnType<typeof createRollupMetrics>;
  timer: NodeJS.Timeout | undefined;
  /** The last run that was asked for, while it is not done. */
  running: Promise<Result<RollupOutcome>> | undefined;
  /** Flows that were stored since the last run. */
  newFlows: number;
  isFaulty: boolean;
}

export function createRollupSchedule(
  config: RollupScheduleConfig,
  dependencies: RollupScheduleDependencies,
): RollupSchedule {
  const { intervalMs } = config;
  const state: ScheduleState = {
    config,
    dependencies,
    metrics: createRollupMetrics(dependencies.metrics),
    timer: undefined,
    running: undefined,
    newFlows: 0,
    isFaulty: false,
  };
  return {
    start: () => {
      if (intervalMs > 0) state.timer ??= setInterval(() => void catchUp(state), intervalMs).unref();
    },
    stop: async () => {
      clearInterval(state.timer);
      state.timer = undefined;
      await state.running;
    },
    note: (flows) => {
      state.newFlows += flows;
      if (state.newFlows >= waitingFlowsMax) void catchUp(state);
    },
    run: () => run(state, 1),
  };
}

function createRollupMetrics(metrics: Metrics) {
  return {
    flows: metrics.counter("weir_store_rolled_up_flows_total", "Flows that came into the rollup tiers"),
    faults: metrics.counter("weir_store_rollup_faults_total", "Rollups that failed, by code"),
    waiting: metrics.gauge(
      "weir_store_rollup_waiting_flows",
      "Flows that were in no rollup tier after the last rollup, and are read one by one",
    ),
  };
}

/** Rolls up until too few flows are left, something fails or the schedule is stopped. */
async function catchUp(state: ScheduleState): Promise<void> {
  if (state.running !== undefined) return;
  while (state.timer !== undefined) {
    const outcome = await run(state, state.config.flowsMin);
    if (!outcome.ok || !outcome.value.isBehind) return;
  }
}

function run(state: ScheduleState, flowsMin: number): Promise<Result<RollupOutcome>> {
  const mine = (state.running ?? Promise.resolve())
    .then(() => runOnce(state, flowsMin))
    .finally(() => {
      if (state.running === mine) state.running = undefined;
    });
  state.running = mine;
  return mine;
}

async function runOnce(state: ScheduleState, flowsMin: number): Promise<Result<RollupOutcome>> {
  const { metrics, dependencies } = state;
  state.newFlows = 0;
  const outcome = await dependencies.rollUp(flowsMin);
  if (outcome.ok) {
    metrics.flows.add(outcome.value.flows);
    metrics.waiting.set(outcome.value.waitingFlows);
  } else {
    metrics.faults.add(1, { code: outcome.fault.code });
    if (!state.isFaulty)
      dependencies.logger.warn({ fault: outcome.fault }, "flows cannot be rolled up, trying again");
  }
  state.isFaulty = !outcome.ok;
  return outcome;
}
