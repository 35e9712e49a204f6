/** docs/reference/metrics.md: what every component registers when it is created. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startClockWatch } from "../../src/app/clock-watch.ts";
import { createDroppedWindows } from "../../src/app/dropped-windows.ts";
import { createIntake } from "../../src/app/intake.ts";
import { createReconciler } from "../../src/app/reconciler.ts";
import { systemClock, unwrap } from "../../src/base/mod.ts";
import { createCapture } from "../../src/capture/mod.ts";
import { createCloudProjects, createLogGroups, openControl } from "../../src/control/mod.ts";
import { createAuthenticator, createAuthorizer, openNonceStore } from "../../src/gateway/auth/mod.ts";
import { createApigDialect } from "../../src/gateway/dialect/apig/mod.ts";
import { createLtsService } from "../../src/gateway/dialect/lts/mod.ts";
import { createSlsDialect } from "../../src/gateway/dialect/sls/mod.ts";
import { createGateway } from "../../src/gateway/mod.ts";
import { createLogger, createMetrics, type Metrics, silentLogger } from "../../src/observe/mod.ts";
import { createLineReader, createLogReader } from "../../src/query/mod.ts";
import { createNetflowSink } from "../../src/sink/netflow/mod.ts";
import { createStoreSink } from "../../src/sink/store/mod.ts";
import { openSpool } from "../../src/spool/mod.ts";
import { createStore } from "../../src/store/mod.ts";
import { code, generatedNote, markdownTable } from "./markdown.ts";

export function metricsPage(): string {
  const directory = mkdtempSync(join(tmpdir(), "weir-docs-"));
  try {
    const metrics = createMetrics();
    createEveryComponent(metrics, directory);
    const rows = metrics
      .describe()
      .toSorted((left, right) => (left.name < right.name ? -1 : 1))
      .map(({ name, kind, help }) => [code(name), kind, help]);
    return `# Metrics

Weir answers \`GET /metrics\` on its API address in the Prometheus text format. \`/healthz\` answers as long as
the process lives; \`/readyz\` answers 200 when every part works and 503 with the reason when one does not.

${generatedNote}
${markdownTable(["metric", "kind", "what it counts"], rows)}`;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const agentId = "agent-000000000000";

/** As the composition root does, without starting anything. */
function createEveryComponent(metrics: Metrics, directory: string): void {
  const shared = { logger: silentLogger, metrics, clock: systemClock };
  createLogger("silent", metrics);
  const spool = unwrap(
    openSpool(
      { path: join(directory, "spool.sqlite"), bytesMax: 2 ** 24, sinks: ["store", "netflow"] },
      shared,
    ),
  );
  createDroppedWindows({ ...shared, agentId, append: (input) => spool.append(input) });
  const store = createStore({ path: join(directory, "store") }, shared);
  createStoreSink({ deadLetterPath: join(directory, "dead-letters") }, { ...shared, spool, store });
  const netflow = createNetflowSink({}, { ...shared, spool, interfaceNames: () => [] });
  const intake = createIntake({ ...shared, spool, routesOf: () => [], wake: () => undefined });
  const capture = createCapture({}, { ...shared, agentId, accept: (bytes) => intake.accept(bytes) });
  const control = unwrap(openControl({ path: join(directory, "control.sqlite") }, shared));
  createReconciler({
    ...shared,
    capture,
    netflow,
    context: () => ({ control, interfaceNames: [], flowsMax: 0, verdicts: false }),
    settings: { loopback: false, natInterfaces: [] },
  });
  startClockWatch(shared)();
  const nonces = unwrap(openNonceStore({ path: join(directory, "nonces.sqlite") }, shared));
  createAuthenticator({ ...shared, keys: control.access.credentials, nonces });
  const authorizer = createAuthorizer({ ...shared, access: control.access });
  const sls = createSlsDialect(
    { endpoints: [], regionId: control.regionId, regionIds: [] },
    {
      ...shared,
      logProjects: control.logProjects,
      logReader: createLogReader({}, { store }),
      credentials: control.access.credentials,
      authorizer,
    },
  );
  const lts = createLtsService({
    ...shared,
    groups: createLogGroups(control.logProjects),
    lines: createLineReader({ store }),
    appendLines: (logstore, lines, labels) => store.appendLines({ logstore, lines, labels }),
  });
  const apig = createApigDialect({
    ...shared,
    services: [lts],
    projects: createCloudProjects(control),
    credentials: control.access.credentials,
    authorizer,
  });
  createGateway({ ...shared, listen: { host: "127.0.0.1", port: 0 }, dialects: [sls, apig] });
  nonces.close();
  control.close();
  spool.close();
}
