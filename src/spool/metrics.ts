/** What the spool counts. */
import type { Counter, Metrics } from "../observe/mod.ts";
import type { Ledger, LedgerBatch, Loss } from "./ledger.ts";

export interface SpoolMetrics {
  readonly failures: Counter;
  readonly acknowledged: Counter;
  /** After each commit: what it held and what the spool holds now. */
  committed(
    ledger: Ledger,
    batches: readonly LedgerBatch[],
    results: readonly ("accepted" | "duplicate")[],
    dropped: readonly Loss[],
    elapsedMs: number,
  ): void;
}

export function createSpoolMetrics(metrics: Metrics): SpoolMetrics {
  const acceptedBatches = metrics.counter("weir_spool_accepted_batches_total", "Batches accepted");
  const acceptedRows = metrics.counter("weir_spool_accepted_flows_total", "Flows in accepted batches");
  const acceptedBytes = metrics.counter("weir_spool_accepted_bytes_total", "Bytes of accepted batches");
  const duplicates = metrics.counter(
    "weir_spool_duplicate_batches_total",
    "Batches sent again that had been accepted before",
  );
  const commits = metrics.counter("weir_spool_commits_total", "Transactions committed");
  const commitSeconds = metrics.counter("weir_spool_commit_seconds_total", "Time spent in transactions");
  const droppedBatches = metrics.counter(
    "weir_spool_dropped_batches_total",
    "Batches dropped at the spool's bound before the sink had them",
  );
  const droppedRows = metrics.counter("weir_spool_dropped_flows_total", "Flows in dropped batches");
  const held = metrics.gauge("weir_spool_batches", "Batches held");
  const heldBytes = metrics.gauge("weir_spool_bytes", "Bytes of the batches held");
  const pending = metrics.gauge("weir_spool_pending_batches", "Batches that the sink has still to deliver");
  return {
    failures: metrics.counter(
      "weir_spool_commit_failures_total",
      "Transactions that failed, all of it undone",
    ),
    acknowledged: metrics.counter(
      "weir_spool_delivered_batches_total",
      "Batches that the sink has delivered",
    ),
    committed: (ledger, batches, results, dropped, elapsedMs) => {
      commits.add();
      commitSeconds.add(elapsedMs / 1000);
      for (const [index, batch] of batches.entries()) {
        if (results[index] === "duplicate") {
          duplicates.add();
          continue;
        }
        acceptedBatches.add();
        acceptedRows.add(batch.rows);
        acceptedBytes.add(batch.bytes.length);
      }
      for (const { sink, rows } of dropped) {
        droppedBatches.add(1, { sink });
        droppedRows.add(rows, { sink });
      }
      held.set(ledger.entries);
      heldBytes.set(ledger.bytes);
      for (const [sink, counts] of ledger.sinks) pending.set(counts.pending, { sink });
    },
  };
}
