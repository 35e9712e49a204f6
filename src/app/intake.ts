/** Accepts batches from capture: finds their routes and hands them to the spool. */
import { batchId, type FlowBatchHeader, readFlowBatchHead } from "../flow/mod.ts";
import { type Fault, ok, type Result } from "../base/mod.ts";
import type { Logger, Metrics } from "../observe/mod.ts";
import type { Spool, SpoolRoute } from "../spool/mod.ts";

export interface IntakeDependencies {
  readonly spool: Spool;
  readonly routesOf: (header: FlowBatchHeader) => readonly SpoolRoute[];
  /** Tells the sinks that there is something new. */
  readonly wake: () => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Intake {
  /** Resolves when the batch is committed; a fault that is retryable may be tried again with the same bytes. */
  accept(bytes: Uint8Array): Promise<Result<"accepted" | "duplicate">>;
  /** Why the last batch was not accepted; undefined once one is again. */
  refusal(): Fault | undefined;
}

export function createIntake({ spool, routesOf, wake, logger, metrics }: IntakeDependencies): Intake {
  const batches = metrics.counter(
    "weir_intake_batches_total",
    "Batches that capture handed over, by outcome",
  );
  const flows = metrics.counter("weir_intake_flows_total", "Flows in accepted batches");
  const unrouted = metrics.counter(
    "weir_intake_flows_unrouted_total",
    "Flows accepted while their flow log had nowhere to send them",
  );
  let refusal: Fault | undefined;
  return {
    refusal: () => refusal,
    accept: async (bytes) => {
      const head = readFlowBatchHead(bytes);
      if (!head.ok) {
        batches.add(1, { outcome: "refused" });
        logger.error({ fault: head.fault }, "capture handed over what is no batch");
        return head;
      }
      const { header, rowCount } = head.value;
      const routes = routesOf(header);
      const accepted = await spool.append({ batchId: batchId(header), bytes, rows: rowCount, routes });
      batches.add(1, { outcome: accepted.ok ? accepted.value : "failed" });
      refusal = accepted.ok ? undefined : accepted.fault;
      if (!accepted.ok) return accepted;
      if (accepted.value === "accepted") {
        flows.add(rowCount);
        if (routes.length === 0) unrouted.add(rowCount);
        wake();
      }
      return ok(accepted.value);
    },
  };
}
