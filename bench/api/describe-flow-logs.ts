/**
 * How many signed DescribeFlowLogs calls a second one Weir answers, with 100 flow logs, distinct nonces and
 * the durable replay store.
 *
 *     node bench/api/describe-flow-logs.ts [requests] [connections]
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { openControl } from "../../src/control/mod.ts";
import {
  createAuthenticator,
  createGateway,
  createRpcDialect,
  createSagService,
  openNonceStore,
} from "../../src/gateway/mod.ts";
import { createMetrics, silentLogger } from "../../src/observe/mod.ts";
import type { LoadReport } from "./load.ts";

const requests = Number(process.argv[2] ?? 20_000);
const connections = Number(process.argv[3] ?? 32);
const flowLogCount = 100;

// Where /tmp is memory, WEIR_BENCH_DIRECTORY names a directory on a disk: a commit must be one to a disk.
const directory = mkdtempSync(join(process.env["WEIR_BENCH_DIRECTORY"] ?? tmpdir(), "weir-bench-api-"));
const metrics = createMetrics();
const control = unwrap(
  openControl({ path: join(directory, "control.sqlite") }, { clock: systemClock, logger: silentLogger }),
);
const accountId = control.accounts.default.id;
const key = unwrap(control.accessKeys.create(accountId));
for (let index = 0; index < flowLogCount; index++) {
  unwrap(
    control.flowLogs.create(
      { accountId, regionId: "cn-shanghai", service: "sag" },
      { name: `flow log ${index}`, outputs: { netflow: { enabled: true, address: "192.0.2.1" } } },
    ),
  );
}
const nonces = unwrap(
  openNonceStore({ path: join(directory, "nonces.sqlite") }, { clock: systemClock, metrics }),
);
const gateway = createGateway({
  listen: { host: "127.0.0.1", port: 0 },
  dialects: [
    createRpcDialect({
      services: [createSagService({ control, logger: silentLogger })],
      authenticator: createAuthenticator({ keys: control.accessKeys, nonces, clock: systemClock, metrics }),
      logger: silentLogger,
    }),
  ],
  logger: silentLogger,
  metrics,
});
const port = Number(new URL(unwrap(await gateway.start()).address).port);
const load = fork(join(import.meta.dirname, "load.ts"));

async function round(count: number, pageSize: number): Promise<LoadReport> {
  const { accessKeyId, accessKeySecret } = key;
  load.send({ port, accessKeyId, accessKeySecret, connections, requests: count, pageSize });
  const [report] = (await once(load, "message")) as [LoadReport];
  return report;
}

try {
  await round(2000, 10);
  for (const pageSize of [10, 50]) {
    const commitsBefore = metrics.value("weir_nonce_commits_total");
    const cpuBefore = process.cpuUsage();
    const report = await round(requests, pageSize);
    const { user, system } = process.cpuUsage(cpuBefore);
    const commits = metrics.value("weir_nonce_commits_total") - commitsBefore;
    const rate = report.requests / report.seconds;
    process.stdout.write(
      `PageSize ${pageSize}: ${rate.toFixed(0)} requests/s over ${connections} connections, ` +
        `p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms, ${report.errors} errors, ` +
        `${report.answerBytes} bytes an answer, ${(report.requests / commits).toFixed(1)} requests a commit, ` +
        `${((user + system) / 1000 / report.requests).toFixed(3)} ms CPU a request\n`,
    );
  }
  process.stdout.write(`resident: ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB\n`);
} finally {
  load.kill();
  await gateway.stop();
  nonces.close();
  control.close();
  rmSync(directory, { recursive: true, force: true });
}
