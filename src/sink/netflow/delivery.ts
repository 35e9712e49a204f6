/** What was delivered, by flow log and in the metrics. */
import type { Clock } from "../../base/mod.ts";
import type { Metrics } from "../../observe/mod.ts";
import type { NetflowExporterStatistics } from "./exporter.ts";

/** A flow log's NetFlow delivery since the process started. Over UDP, sent does not mean received. */
export interface NetflowDelivery {
  readonly datagramsSent: number;
  readonly flowsSent: number;
  /** IPv6 flows, which NetFlow v5 cannot tell. */
  readonly flowsSkipped: number;
  /** Flows in datagrams that the kernel refused. */
  readonly flowsNotSent: number;
  readonly sendErrors: number;
  readonly lastError?: string;
  readonly lastErrorMs?: number;
  readonly lastSentMs?: number;
}

export interface DeliveryLedger {
  /** Adds what an exporter did between two readings of its statistics. */
  add(flowLogId: string, before: NetflowExporterStatistics, after: NetflowExporterStatistics): void;
  /** Counts the flows of a batch that could not be read or addressed. */
  refuse(rows: number): void;
  /** Counts rows that are no flows, which NetFlow has no record for. */
  skipWindowStatuses(rows: number): void;
  status(flowLogId: string): NetflowDelivery | undefined;
  /** Forgets the flow logs that there are no more. */
  forget(exists: (flowLogId: string) => boolean): void;
}

export function createDeliveryLedger(metrics: Metrics, clock: Clock): DeliveryLedger {
  const counters = {
    datagramsSent: metrics.counter("weir_netflow_datagrams_total", "Export datagrams sent"),
    flowsSent: metrics.counter("weir_netflow_flows_total", "Flows sent to NetFlow collectors"),
    flowsSkipped: metrics.counter(
      "weir_netflow_flows_skipped_total",
      "IPv6 flows left out because NetFlow v5 cannot tell them",
    ),
    flowsNotSent: metrics.counter(
      "weir_netflow_flows_not_sent_total",
      "Flows in datagrams that the kernel did not take",
    ),
    sendErrors: metrics.counter("weir_netflow_send_errors_total", "Errors while sending export datagrams"),
  };
  const refused = metrics.counter(
    "weir_netflow_flows_refused_total",
    "Flows in batches that could not be read or have no usable target",
  );
  const windowStatuses = metrics.counter(
    "weir_netflow_window_statuses_skipped_total",
    "NODATA and SKIPDATA left out, for which NetFlow has no record",
  );
  const names = Object.keys(counters) as (keyof typeof counters)[];
  const deliveries = new Map<string, NetflowDelivery>();
  return {
    add: (flowLogId, before, after) => {
      const known = deliveries.get(flowLogId);
      const sums = Object.fromEntries(
        names.map((name) => {
          const added = after[name] - before[name];
          counters[name].add(added);
          return [name, (known?.[name] ?? 0) + added];
        }),
      ) as Record<keyof typeof counters, number>;
      const { lastError, lastSentMs } = after;
      deliveries.set(flowLogId, {
        ...known,
        ...sums,
        ...(after.sendErrors > before.sendErrors && lastError !== undefined
          ? { lastError, lastErrorMs: clock.nowMs() }
          : {}),
        ...(lastSentMs === undefined ? {} : { lastSentMs }),
      });
    },
    refuse: (rows) => refused.add(rows),
    skipWindowStatuses: (rows) => windowStatuses.add(rows),
    status: (flowLogId) => deliveries.get(flowLogId),
    forget: (exists) => {
      for (const flowLogId of deliveries.keys()) if (!exists(flowLogId)) deliveries.delete(flowLogId);
    },
  };
}
