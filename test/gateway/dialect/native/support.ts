/** A native API over a fresh control plane, with a log reader whose answers the test gives. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ok, systemClock, unwrap } from "../../../../src/base/mod.ts";
import { type Control, openControl } from "../../../../src/control/mod.ts";
import { createNativeDialect } from "../../../../src/gateway/dialect/native/mod.ts";
import { createGateway, type Gateway } from "../../../../src/gateway/mod.ts";
import { createMetrics, silentLogger } from "../../../../src/observe/mod.ts";
import {
  type HistogramsRequest,
  type LogReader,
  type LogsRequest,
  sagRecordFormat,
  type TailRequest,
} from "../../../../src/query/mod.ts";

export interface NativeServer {
  readonly data: string;
  readonly control: Control;
  readonly gateway: Gateway;
  /** The requests that reached the reader. */
  readonly asked: (LogsRequest | HistogramsRequest | TailRequest)[];
  /** Id of the one gateway and of its one interface. */
  readonly gatewayId: string;
  readonly interfaceId: string;
  close(): Promise<void>;
}

export const record = {
  __time__: "1790000000",
  start: "1790000000",
  end: "1790000001",
  srcaddr: "10.0.0.1",
  srcport: "40000",
  dstaddr: "10.0.0.2",
  dstport: "443",
  protocol: "6",
  packets: "12",
  bytes: "3456",
};

export function createNativeServer(): NativeServer {
  const data = mkdtempSync(join(tmpdir(), "weir-native-"));
  const control = unwrap(
    openControl({ path: join(data, "control.sqlite") }, { clock: systemClock, logger: silentLogger }),
  );
  const host = { agentId: "agent-000000000001", name: "router", interfaces: [{ name: "eth0" }] };
  const resources = unwrap(control.resources.sync({ hosts: [host] }));
  const asked: (LogsRequest | HistogramsRequest | TailRequest)[] = [];
  const dialect = createNativeDialect({
    settled: () => Promise.resolve(),
    control,
    reader: fakeReader(asked),
    logger: silentLogger,
    retentionDays: 30,
    status: () => ({ version: "0.0.0", parts: [{ name: "store", state: "ok" }] }),
    delivery: () => ({ netflow: { datagramsSent: 3 } }),
  });
  const gateway = createGateway({
    listen: { socketPath: join(data, "weir.sock") },
    dialects: [dialect],
    logger: silentLogger,
    metrics: createMetrics(),
  });
  return {
    data,
    control,
    gateway,
    asked,
    gatewayId: resources.find(({ type }) => type === "gateway")!.id,
    interfaceId: resources.find(({ type }) => type === "interface")!.id,
    close: async () => {
      await gateway.stop();
      control.close();
      rmSync(data, { recursive: true });
    },
  };
}

function fakeReader(asked: (LogsRequest | HistogramsRequest | TailRequest)[]): LogReader {
  const statistics = {
    progress: "Complete",
    processedRows: 1,
    elapsedMs: 1,
    search: "",
    terms: [],
    tiers: [],
  } as const;
  return {
    format: sagRecordFormat,
    getLogs: async (request) => {
      asked.push(request);
      return ok({ ...statistics, records: [record] });
    },
    getHistograms: async (request) => {
      asked.push(request);
      const traffic = { packets: 4, octets: 400 };
      const buckets = [{ fromS: request.fromS, toS: request.fromS + 60, count: 3, traffic }];
      return ok({ ...statistics, tiers: [{ tier: "1m", records: 3 }], buckets, count: 3 });
    },
    tail: async (request) => {
      asked.push(request);
      const records = request.afterPosition === undefined ? [record] : [];
      return ok({ ...statistics, records, position: "7" });
    },
  };
}
