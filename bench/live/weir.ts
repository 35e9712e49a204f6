/**
 * Weir from the interface to the collector, without its API and its store: the capture process, the spool
 * with its commits to disk, and the NetFlow sink.
 *
 *     node bench/live/weir.ts INTERFACE PORT DIRECTORY RING_BYTES ACTIVE_S INACTIVE_S WORKERS FLOW_LOGS
 *
 * Says by IPC when it captures; told to finish, it ends every flow, delivers all and says what became of
 * every packet.
 */
import { join } from "node:path";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import {
  allTraffic,
  type CaptureSubject,
  createWorkerGroup,
  discoverInterfaces,
  ledgerError,
  type LedgerEntry,
} from "../../src/capture/mod.ts";
import { batchId, readFlowBatchHead } from "../../src/flow/mod.ts";
import { createLogger, createMetrics } from "../../src/observe/mod.ts";
import { createNetflowSink, netflowSinkName, type NetflowTarget } from "../../src/sink/netflow/mod.ts";
import { openSpool } from "../../src/spool/mod.ts";

export interface WeirAccount extends LedgerEntry {
  /** By how many packets the ledger does not add up. */
  readonly error: number;
}

const [interfaceName = "", port, directory = "", ringBytes, activeS, inactiveS, workers, flowLogs] =
  process.argv.slice(2);
const metrics = createMetrics();
const shared = { logger: createLogger("warn", metrics), metrics, clock: systemClock };
const target: NetflowTarget = {
  flowLogId: "fl-bench",
  address: "127.0.0.1",
  port: Number(port),
  version: 9,
  observationDomain: 1,
  activeTimeoutS: Number(activeS),
  inactiveTimeoutS: Number(inactiveS),
};
const subject: CaptureSubject = {
  flowLogId: target.flowLogId,
  resourceId: "in-bench",
  scope: "interface",
  interfaceNames: [interfaceName],
  policy: {
    kind: "aging",
    activeTimeoutMs: target.activeTimeoutS * 1000,
    inactiveTimeoutMs: target.inactiveTimeoutS * 1000,
  },
  filter: allTraffic,
  verdicts: false,
  observationDomain: target.observationDomain,
  flowsMax: 1_000_000,
};

const path = join(directory, "spool.sqlite");
const spool = unwrap(openSpool({ path, bytesMax: 4 * 2 ** 30, sinks: [netflowSinkName] }, shared));
const netflow = createNetflowSink({}, { ...shared, spool, interfaceNames: discoverInterfaces });
await netflow.prepare([target]);
netflow.start();
const capture = createWorkerGroup(
  { method: "ring", ringBytes: Number(ringBytes), workers: Number(workers) },
  {
    ...shared,
    agentId: "bench",
    accept: async (bytes) => {
      const { header, rowCount } = unwrap(readFlowBatchHead(bytes));
      // Of several flow logs, one is exported: every packet counts once.
      const isExported = header.flowLogId === target.flowLogId;
      const routes = isExported ? [{ sink: netflowSinkName, target: { ...target } }] : [];
      const accepted = await spool.append({ batchId: batchId(header), bytes, rows: rowCount, routes });
      netflow.wake();
      return accepted;
    },
  },
);
unwrap(await capture.start());
const subjects = Array.from({ length: Number(flowLogs) }, (_, number) =>
  number === 0 ? subject : { ...subject, flowLogId: `${subject.flowLogId}-${number}` },
);
unwrap(await capture.apply({ subjects, excluded: [], loopback: false, natInterfaces: [] }));
process.once("message", () => void finish());
process.send?.("ready");

async function finish(): Promise<void> {
  await capture.stop();
  while (spool.status().sinks.some(({ pending }) => pending > 0)) {
    netflow.wake();
    await new Promise((resume) => setTimeout(resume, 10));
  }
  await netflow.stop();
  spool.close();
  const entry = capture.status().ledger.find(({ flowLogId }) => flowLogId === target.flowLogId)!;
  const account: WeirAccount = { ...entry, error: ledgerError(entry) };
  process.send?.(account, undefined, undefined, () => process.exit(0));
}
process.on("disconnect", () => process.exit(1));
