/** Who takes the flows of an offline run, and the queue that lets them take their time. */
import { toFault, type Fault } from "../../base/mod.ts";
import { createFlowBatch, type FlowBatch, type FlowColumns, flowFieldList } from "../../flow/mod.ts";

/** A receiver of flows: a file, a collector, a store. */
export interface FlowConsumer {
  /** What it is, for the fault that it may end with: "flows.jsonl", "the collector 192.0.2.1:9995". */
  readonly name: string;
  /** Takes the flows; they do not change until the promise is settled. Throwing ends this consumer. */
  accept(flows: FlowBatch): void | Promise<void>;
  /** Called once at the end, also of a run that failed. */
  close(): void | Promise<void>;
}

export interface FlowQueue {
  /**
   * Queues flows that nobody changes until the next are put, and no longer; every batch has the same capacity.
   * Not while deliver() is under way: a consumer may be reading what the next put allows to change.
   */
  put(flows: FlowBatch): void;
  /** Hands everything queued to every consumer, one batch at a time; until it is settled nothing may be put. */
  deliver(): Promise<void>;
  /** Flows that wait. */
  isEmpty(): boolean;
  close(): Promise<void>;
  /** The faults of consumers that gave up, which get no more flows. */
  faults(): readonly Fault[];
}

export function createFlowQueue(consumers: readonly FlowConsumer[]): FlowQueue {
  const live = new Set(consumers);
  const waiting: FlowBatch[] = [];
  const spare: FlowBatch[] = [];
  /** The last of those that wait, which alone is no copy: most are delivered before there is another. */
  let lent: FlowBatch | undefined;
  const faults: Fault[] = [];
  const attempt = async (consumer: FlowConsumer, work: () => void | Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      live.delete(consumer);
      faults.push(toFault(error));
    }
  };
  return {
    put: (flows) => {
      if (live.size === 0) return;
      if (lent !== undefined) {
        const copy = spare.pop() ?? createFlowBatch(lent.capacity);
        copyFlows(lent, copy);
        waiting[waiting.length - 1] = copy;
      }
      waiting.push(flows);
      lent = flows;
    },
    deliver: async () => {
      for (let flows = waiting.shift(); flows !== undefined; flows = waiting.shift()) {
        const batch = flows;
        const isCopy = batch !== lent;
        if (!isCopy) lent = undefined;
        for (const consumer of live) await attempt(consumer, () => consumer.accept(batch));
        // A burst at the end of a capture needs many batches once; they are not worth keeping.
        if (isCopy && spare.length < 4) spare.push(batch);
      }
    },
    isEmpty: () => waiting.length === 0,
    close: async () => {
      for (const consumer of consumers) await attempt(consumer, () => consumer.close());
    },
    faults: () => faults,
  };
}

/** Copies the rows in use; `to` has room for all of `from`. */
function copyFlows(from: FlowBatch, to: FlowBatch): void {
  to.header = from.header;
  to.count = from.count;
  for (const { name, type } of flowFieldList) {
    const words = type === "address" ? from.count * 4 : from.count;
    (to.columns[name] as Settable).set((from.columns[name] as Settable).subarray(0, words));
  }
}

/** Both batches have the same field under the same name, which the union of array types does not say. */
type Settable = FlowColumns["octets"];
