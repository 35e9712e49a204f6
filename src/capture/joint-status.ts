/** What several workers say of themselves, as one capture's status. */
import {
  addLedgerCounts,
  type CaptureStatus,
  emptyLedgerCounts,
  type InterfaceState,
  type InterfaceStatus,
  type LedgerEntry,
  subjectKey,
  type SubjectStatus,
} from "./plan.ts";

type SubjectWindows = Pick<SubjectStatus, "windows" | "accountedUpToUs">;

/** Of several states the first of these is the one of all: a capture is no better than its worst worker. */
const statesFromWorst: readonly CaptureStatus["state"][] = [
  "unavailable",
  "stopped",
  "stopping",
  "starting",
  "restarting",
  "running",
];
const interfaceStatesFromWorst: readonly InterfaceState[] = ["failed", "absent", "down", "covered", "armed"];

/** Sums and worst cases; `windowsOf` tells what the workers together have said of windows. */
export function joinStatus(
  workers: readonly CaptureStatus[],
  windowsOf: (subject: SubjectStatus) => SubjectWindows,
): CaptureStatus {
  const states = workers.map(({ state }) => state);
  const since = workers.flatMap(({ planSinceMs }) => planSinceMs ?? []);
  const fault = workers.find((worker) => worker.fault !== undefined)?.fault;
  const sum = (of: (worker: CaptureStatus) => number): number =>
    workers.reduce((total, worker) => total + of(worker), 0);
  return {
    state: statesFromWorst.find((state) => states.includes(state))!,
    method: workers.some(({ method }) => method === null) ? null : workers[0]!.method,
    ...(fault === undefined ? {} : { fault }),
    processId: workers[0]!.processId,
    restarts: sum(({ restarts }) => restarts),
    privileges: workers[0]!.privileges,
    planSinceMs: since.length === workers.length ? Math.max(...since) : null,
    interfaces: joinInterfaces(workers.flatMap(({ interfaces }) => interfaces)),
    subjects: joinSubjects(workers.flatMap(({ subjects }) => subjects)).map((subject) => ({
      ...subject,
      ...windowsOf(subject),
    })),
    ledger: joinLedger(workers.flatMap(({ ledger }) => ledger)),
    batchesAccepted: sum(({ batchesAccepted }) => batchesAccepted),
    batchesInFlight: sum(({ batchesInFlight }) => batchesInFlight),
    workers: workers.map((worker) => ({
      state: worker.state,
      processId: worker.processId,
      restarts: worker.restarts,
      privileges: worker.privileges,
      interfaces: worker.interfaces,
      ledger: worker.ledger,
      batchesAccepted: worker.batchesAccepted,
      batchesInFlight: worker.batchesInFlight,
    })),
  };
}

function joinInterfaces(interfaces: readonly InterfaceStatus[]): InterfaceStatus[] {
  const rank = ({ state }: InterfaceStatus): number => interfaceStatesFromWorst.indexOf(state);
  const all = Map.groupBy(interfaces, ({ name }) => name).values();
  return [...all].map((same) => same.reduce((worst, one) => (rank(one) < rank(worst) ? one : worst)));
}

function joinSubjects(subjects: readonly SubjectStatus[]): SubjectStatus[] {
  return [...Map.groupBy(subjects, subjectKey).values()].map((shares) => {
    const { flowLogId, resourceId } = shares[0]!;
    const total = { packets: 0, octets: 0, activeFlows: 0, flowsEnded: 0, flowsEvicted: 0 };
    for (const share of shares) {
      for (const term of Object.keys(total) as (keyof typeof total)[]) total[term] += share[term];
    }
    return { flowLogId, resourceId, ...total };
  });
}

function joinLedger(ledger: readonly LedgerEntry[]): LedgerEntry[] {
  const all = Map.groupBy(ledger, (entry) => `${subjectKey(entry)} ${entry.interfaceName}`).values();
  return [...all].map((shares) => {
    const { flowLogId, resourceId, interfaceName } = shares[0]!;
    const total = emptyLedgerCounts();
    for (const share of shares) addLedgerCounts(total, share);
    return { flowLogId, resourceId, interfaceName, ...total };
  });
}
