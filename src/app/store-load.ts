/**
 * Loads flows into the embedded store of a data directory that no Weir is using: what a server's capture
 * would deliver, without a server. They take the server's own way, through the spool, so that a load that
 * is cut off leaves no flow stored twice and what was accepted is stored by the next start.
 */
import { batchId, encodeFlowBatch, type FlowBatch } from "../flow/mod.ts";
import { fail, ok, randomText, type Result, unwrap } from "../base/mod.ts";
import { storeSinkName } from "../sink/store/mod.ts";
import type { StoreTarget } from "../store/mod.ts";
import type { Configuration } from "./config/mod.ts";
import type { FlowConsumer } from "./offline/mod.ts";
import { openStorePath, type StorePath } from "./system.ts";

export interface StoreLoadOptions {
  readonly configuration: Configuration;
  readonly project: string;
  /** Made with its project if there is none. */
  readonly logstore: string;
}

/** Loads flows into one logstore. */
export interface StoreConsumer extends FlowConsumer {
  statistics(): StoreLoadStatistics;
}

export interface StoreLoadStatistics {
  readonly project: string;
  readonly logstore: string;
  /** Flows that the spool has: they are stored, if not now then by the next start on this data directory. */
  readonly flowsAccepted: number;
  /** All of them once the load is closed without a fault; 0 before. */
  readonly flowsStored: number;
}

/** What a record says where there is no resource: the flow came from a file. */
const notApplicable = "-";
/** Beyond this the reader waits for the store. */
const pendingBatchesMax = 64;
const pollMs = 10;

/** Faults: those of the data directory, of the store's start, and of the names. */
export async function createStoreConsumer(options: StoreLoadOptions): Promise<Result<StoreConsumer>> {
  const opened = await openStorePath(options.configuration);
  if (!opened.ok) return opened;
  const path = opened.value;
  const target = targetOf(path, options);
  if (!target.ok) {
    await path.shutdown.run();
    return target;
  }
  return ok(consumerOf(path, target.value, options));
}

function targetOf({ control }: StorePath, { project, logstore }: StoreLoadOptions): Result<StoreTarget> {
  const { regionId } = control;
  const accountId = control.accounts.default.id;
  const found = control.logProjects.ensure({ accountId, regionId, project, logstore });
  if (!found.ok) return found;
  return ok({
    logstore: found.value.id,
    flowLogId: notApplicable,
    resourceId: notApplicable,
    resourceSerial: notApplicable,
    accountId,
    regionId,
  });
}

function consumerOf(
  { data, shutdown, spool, storeSink }: StorePath,
  target: StoreTarget,
  { project, logstore }: StoreLoadOptions,
): StoreConsumer {
  const bootId = randomText(12);
  let sequence = 0;
  let flowsAccepted = 0;
  let flowsStored = 0;
  const pending = (): number =>
    spool.status().sinks.find((sink) => sink.name === storeSinkName)?.pending ?? 0;
  const waitForPending = async (countMax: number): Promise<void> => {
    while (pending() > countMax) {
      storeSink.wake();
      const { fault } = storeSink.status();
      if (fault !== undefined && !fault.retryable) unwrap(fail(fault.code, fault.message));
      await new Promise((resolve) => setTimeout(resolve, pollMs));
    }
  };
  return {
    name: `${project}/${logstore}`,
    statistics: () => ({ project, logstore, flowsAccepted, flowsStored }),
    accept: async (flows: FlowBatch) => {
      sequence++;
      const header = {
        agentId: data.agentId,
        bootId,
        sequence,
        flowLogId: notApplicable,
        resourceId: notApplicable,
      };
      const bytes = encodeFlowBatch({ ...flows, header });
      const routes = [{ sink: storeSinkName, target: { ...target } }];
      unwrap(await spool.append({ batchId: batchId(header), bytes, rows: flows.count, routes }));
      flowsAccepted += flows.count;
      await waitForPending(pendingBatchesMax);
    },
    close: async () => {
      try {
        await waitForPending(0);
        flowsStored = flowsAccepted;
      } finally {
        await shutdown.run();
      }
    },
  };
}
