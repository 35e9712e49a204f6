/** A store of the test's own, filled row by row as flow logs fill it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { vi } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import {
  addressAt,
  createFlowBatch,
  encodeFlowBatch,
  type FlowFieldName,
  flowFieldList,
} from "../../src/flow/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import {
  createStore,
  type Store,
  type StoreConfig,
  type StoreInsert,
  type StoreTarget,
} from "../../src/store/mod.ts";

// A store starts a process of its own, with a database engine in it.
vi.setConfig({ hookTimeout: 120_000 });

/** One flow: the fields that are not at their fallback, and whose traffic it is. Addresses in 16 bytes. */
export interface StoredFlow {
  readonly fields: Partial<Record<FlowFieldName, number | Uint8Array>>;
  readonly resourceId: string;
  readonly resourceSerial: string;
  readonly accountId: string;
  readonly agentId: string;
  /** Of another service than the Smart Access Gateway's: which, and where the resource is. */
  readonly place?: Pick<StoreTarget, "service" | "vpcId" | "subnetId" | "instanceId" | "projectId">;
}

export interface FlowStore {
  readonly store: Store;
  /** Appends the flows to the logstore, each a batch of its own, in order. */
  append(logstore: number, flows: readonly StoredFlow[]): Promise<void>;
  /** Brings the rollup tiers up to all that was appended. */
  rollUp(): Promise<void>;
  close(): Promise<void>;
}

export async function openFlowStore(
  config: Partial<StoreConfig> = {},
  nowMs: () => number = () => Date.now(),
): Promise<FlowStore> {
  const path = mkdtempSync(join(tmpdir(), "weir-query-"));
  const store = createStore(
    { path: join(path, "store"), readers: 1, memoryBytesMax: 512 * 1024 * 1024, ...config },
    { logger: silentLogger, metrics: createMetrics(), clock: { ...systemClock, nowMs } },
  );
  unwrap(await store.start());
  let position = 0;
  return {
    store,
    append: async (logstore, flows) => {
      const outcome = unwrap(
        await store.appendFlows(flows.map((flow) => insertOf(logstore, ++position, flow))),
      );
      if (outcome.rows !== flows.length) throw new Error(`stored ${outcome.rows} of ${flows.length} flows`);
    },
    rollUp: async () => {
      while (unwrap(await store.rollUp()).isBehind);
    },
    close: async () => {
      await store.stop();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

function insertOf(logstore: number, position: number, flow: StoredFlow): StoreInsert {
  const { resourceId, resourceSerial, accountId, agentId } = flow;
  const header = { agentId, bootId: "boot", sequence: position, flowLogId: "fl-1", resourceId };
  const batch = createFlowBatch(1, header);
  batch.count = 1;
  for (const { name, type, fallback } of flowFieldList) {
    const value = flow.fields[name] ?? fallback;
    const column = batch.columns[name];
    if (typeof value === "number") {
      if (type !== "address") column[0] = value;
    } else addressAt(column as Uint32Array, 0).set(value);
  }
  const target = {
    logstore,
    flowLogId: "fl-1",
    resourceId,
    resourceSerial,
    accountId,
    regionId: "cn-shanghai",
    ...flow.place,
  };
  return { position, batch: encodeFlowBatch(batch), target };
}
