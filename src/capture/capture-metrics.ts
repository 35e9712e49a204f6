/** Capture's metrics: the totals of the running process on top of those of the processes before it. */
import type { Counter, Gauge, Labels, Metrics } from "../observe/mod.ts";
import type { SessionStatus } from "./child/message.ts";
import { ledgerError, type LedgerEntry, type SubjectStatus } from "./plan.ts";
import type { WindowCounts } from "./window-account.ts";

export interface CaptureMetrics {
  /** Takes what the running process reports. */
  report(status: SessionStatus): void;
  /** The process is gone: what it reported last is the base for the next. */
  processEnded(): void;
  readonly batchesAccepted: Counter;
  readonly acceptFailures: Counter;
  readonly restarts: Counter;
}

/** The terms of the ledger, each a value of the label `outcome`. */
const outcomes = [
  "metered",
  "kernelDrops",
  "undecodable",
  "excluded",
  "notSelected",
  "sampledOut",
] as const satisfies readonly (keyof LedgerEntry)[];

const windowStatuses = ["ok", "noData", "skipData"] as const satisfies readonly (keyof WindowCounts)[];

/**
 * `source` tells the gauges of several captures apart, and `worker` those that share one source; what is said of
 * windows they say together, so that it is left to createWindowMetrics().
 */
export function createCaptureMetrics(metrics: Metrics, source: string, worker?: string): CaptureMetrics {
  const ofWorker: Labels = worker === undefined ? {} : { worker };
  const rounds = [
    createLedgerTotals(metrics, source, ofWorker),
    createSubjectTotals(metrics, ofWorker),
    ...(worker === undefined ? [createWindowTotals(metrics)] : []),
  ];
  const gauges = createGauges(metrics, { source, ...ofWorker }, ofWorker);
  return {
    report(status) {
      for (const round of rounds) endRound(round, status);
      gauges.report(status);
    },
    processEnded() {
      for (const total of rounds.flatMap(({ totals }) => totals)) total.rebase();
    },
    batchesAccepted: metrics.counter("weir_capture_batches_total", "Flow batches accepted by the spool"),
    acceptFailures: metrics.counter(
      "weir_capture_accept_failures_total",
      "Refusals of a flow batch by the spool; each is tried again",
    ),
    restarts: metrics.counter(
      "weir_capture_restarts_total",
      "Capture processes that ended and were replaced",
    ),
  };
}

type SubjectWindows = Pick<SubjectStatus, "flowLogId" | "resourceId" | "windows">;

export interface WindowMetrics {
  /** Takes what was said of the windows of each subject so far. */
  report(subjects: readonly SubjectWindows[]): void;
}

export function createWindowMetrics(metrics: Metrics): WindowMetrics {
  const totals = createWindowTotals(metrics);
  return { report: (subjects) => endRound(totals, { subjects }) };
}

interface ReportedTotals<Status> {
  readonly totals: readonly Totals[];
  readonly report: (status: Status) => void;
}

function endRound<Status>({ report, totals }: ReportedTotals<Status>, status: Status): void {
  report(status);
  for (const total of totals) total.endRound();
}

function createLedgerTotals(
  metrics: Metrics,
  source: string,
  ofWorker: Labels,
): ReportedTotals<SessionStatus> {
  const seen = createTotals(
    metrics.counter(
      "weir_capture_seen_packets_total",
      "Packets that the kernel offered, by interface, and by worker where there are several",
    ),
  );
  const packets = createTotals(
    metrics.counter(
      "weir_capture_packets_total",
      "Packets by what became of them (outcome), by interface, and by worker where there are several",
    ),
    outcomes.length * goneSeriesMax,
  );
  const checks = createTotals(
    metrics.counter("weir_capture_ledger_checks_total", "Checks of the ledger with every packet read"),
  );
  return {
    totals: [seen, packets, checks],
    report({ ledger, check }) {
      for (const entry of ledger) {
        const labels = {
          flow_log: entry.flowLogId,
          resource: entry.resourceId,
          interface: entry.interfaceName,
          ...ofWorker,
        };
        seen.set(entry.seen, labels);
        for (const outcome of outcomes) packets.set(entry[outcome], { ...labels, outcome });
      }
      checks.set(check.checks, { source, ...ofWorker });
    },
  };
}

type Subjects = Pick<SessionStatus, "subjects">;

function createSubjectTotals(metrics: Metrics, ofWorker: Labels): ReportedTotals<Subjects> {
  const packets = createTotals(
    metrics.counter("weir_capture_metered_packets_total", "Packets metered, by flow log"),
  );
  const octets = createTotals(
    metrics.counter("weir_capture_metered_octets_total", "Layer-3 octets metered, by flow log"),
  );
  const ended = createTotals(
    metrics.counter("weir_capture_ended_flows_total", "Flows handed over, by flow log"),
  );
  const evicted = createTotals(
    metrics.counter("weir_capture_evicted_flows_total", "Flows ended early for lack of room, by flow log"),
  );
  return {
    totals: [packets, octets, ended, evicted],
    report({ subjects }) {
      for (const subject of subjects) {
        const labels = { ...subjectLabels(subject), ...ofWorker };
        packets.set(subject.packets, labels);
        octets.set(subject.octets, labels);
        ended.set(subject.flowsEnded, labels);
        evicted.set(subject.flowsEvicted, labels);
      }
    },
  };
}

function createWindowTotals(
  metrics: Metrics,
): ReportedTotals<{ readonly subjects: readonly SubjectWindows[] }> {
  const windows = createTotals(
    metrics.counter(
      "weir_capture_windows_total",
      "Aggregation windows by what was said of them (status: ok, noData, skipData), by flow log",
    ),
    windowStatuses.length * goneSeriesMax,
  );
  return {
    totals: [windows],
    report({ subjects }) {
      for (const subject of subjects) {
        if (subject.windows === undefined) continue;
        const labels = subjectLabels(subject);
        for (const said of windowStatuses) windows.set(subject.windows[said], { ...labels, status: said });
      }
    },
  };
}

function createGauges(
  metrics: Metrics,
  labels: Labels,
  ofWorker: Labels,
): { report(status: SessionStatus): void } {
  const active: Gauge = metrics.gauge("weir_capture_active_flows", "Flows being metered, by flow log");
  const inFlight = metrics.gauge("weir_capture_batches_waiting", "Flow batches not accepted yet, by source");
  const error = metrics.gauge(
    "weir_capture_ledger_error_packets",
    "Packets that the ledger cannot account for, now and at the checks so far; 0 unless packets were lost unnoticed",
  );
  let known: SubjectStatus[] = [];
  return {
    report(status) {
      for (const subject of known) active.remove({ ...subjectLabels(subject), ...ofWorker });
      known = [...status.subjects];
      for (const subject of known)
        active.set(subject.activeFlows, { ...subjectLabels(subject), ...ofWorker });
      inFlight.set(status.batchesInFlight, labels);
      const errorNow = status.ledger.reduce((sum, entry) => sum + Math.abs(ledgerError(entry)), 0);
      error.set(errorNow + status.check.errorPackets, labels);
    },
  };
}

function subjectLabels({ flowLogId, resourceId }: Pick<SubjectStatus, "flowLogId" | "resourceId">): Labels {
  return { flow_log: flowLogId, resource: resourceId };
}

/**
 * Series of interfaces and flow logs that are gone, kept so that sums do not fall: on a host of containers
 * there are new interfaces every minute, for ever.
 */
const goneSeriesMax = 512;

interface Totals {
  set(value: number, labels: Labels): void;
  /** Everything there is was set: forgets the oldest of too many that were not. */
  endRound(): void;
  rebase(): void;
}

function createTotals(counter: Counter, goneMax = goneSeriesMax): Totals {
  // In the order of the last round in which each was set.
  const series = new Map<string, { base: number; last: number; round: number; readonly labels: Labels }>();
  let round = 0;
  let setInRound = 0;
  return {
    set(value, labels) {
      const name = JSON.stringify(labels);
      const known = series.get(name) ?? { base: 0, last: 0, round: -1, labels };
      if (known.round !== round) setInRound++;
      known.round = round;
      series.delete(name);
      series.set(name, known);
      // A count that begins anew within a process: the subject was taken off and put on again.
      if (value < known.last) known.base += known.last;
      known.last = value;
      counter.setTotal(known.base + value, labels);
    },
    endRound() {
      for (const [name, { labels }] of series) {
        if (series.size - setInRound <= goneMax) break;
        series.delete(name);
        counter.remove(labels);
      }
      round++;
      setInRound = 0;
    },
    rebase() {
      for (const known of series.values()) {
        known.base += known.last;
        known.last = 0;
      }
    },
  };
}
