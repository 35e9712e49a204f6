/**
 * A capture of its own in whatever namespace this is started: told what to do by IPC messages, it answers
 * each with what its Capture answered, and keeps the flows that were accepted.
 */
import { fail, ok, type Result, systemClock } from "../../src/base/mod.ts";
import {
  type CaptureConfig,
  type CaptureDeps,
  type CapturePlan,
  createFirewall,
  createVerdictCapture,
  createWorkerGroup,
  discoverInterfaces,
  type WindowMemory,
} from "../../src/capture/mod.ts";
import { defaultCaptureConfig } from "../../src/capture/config.ts";
import { decodeFlowBatch, flowFieldList, addressAt } from "../../src/flow/mod.ts";
import { formatAddress, unwrap } from "../../src/base/mod.ts";
import { createLogger, createMetrics } from "../../src/observe/mod.ts";

export type HostRequest =
  /** `verdicts` has the firewall's table looked for, and its log read. */
  | { readonly call: "start"; readonly config: Partial<CaptureConfig>; readonly verdicts?: boolean }
  | { readonly call: "apply"; readonly plan: CapturePlan }
  | { readonly call: "status" | "stop" | "interfaces" | "metrics" | "flows" | "memory" }
  /** Whether batches are refused from now on. */
  | { readonly call: "refuse"; readonly refuse: boolean };

export interface CapturedFlow {
  readonly flowLogId: string;
  readonly resourceId: string;
  readonly bootId: string;
  readonly sequence: number;
  readonly [field: string]: string | number;
}

const metrics = createMetrics();
const flows: CapturedFlow[] = [];
let refuse = false;

function accept(bytes: Uint8Array): Promise<Result<unknown>> {
  if (refuse) return Promise.resolve(fail("SpoolFull", "refused by the test"));
  const batch = unwrap(decodeFlowBatch(bytes));
  for (let row = 0; row < batch.count; row++) {
    const flow: Record<string, string | number> = {};
    for (const field of flowFieldList) {
      const column = batch.columns[field.name];
      flow[field.name] =
        field.type === "address" ? formatAddress(addressAt(column as Uint32Array, row)) : column[row]!;
    }
    const { flowLogId, resourceId, bootId, sequence } = batch.header;
    flows.push({ ...flow, flowLogId, resourceId, bootId, sequence });
  }
  return Promise.resolve(ok(undefined));
}

/** Outlives each capture, as a file would. */
const accountedUpToUs = new Map<string, number>();
const windowMemory: WindowMemory = {
  all: () => accountedUpToUs,
  update(changed, forgotten) {
    for (const [key, timeUs] of changed) accountedUpToUs.set(key, timeUs);
    for (const key of forgotten) accountedUpToUs.delete(key);
  },
};

let capture = createWorkerGroup({}, dependencies());

function dependencies(): CaptureDeps {
  const level = process.env["WEIR_TEST_LOG"] === undefined ? "error" : "debug";
  return {
    logger: createLogger(level, metrics),
    metrics,
    clock: systemClock,
    agentId: "test",
    accept,
    windowMemory,
  };
}

async function answer(request: HostRequest): Promise<unknown> {
  switch (request.call) {
    case "start":
      capture =
        request.verdicts === true
          ? createVerdictCapture(request.config, {
              ...dependencies(),
              firewall: createFirewall(defaultCaptureConfig.verdictGroup),
              wanted: () => true,
              onVerdictsChanged: () => undefined,
            })
          : createWorkerGroup(request.config, dependencies());
      return capture.start();
    case "apply":
      return capture.apply(request.plan);
    case "status":
      return capture.status();
    case "stop":
      return capture.stop();
    case "interfaces":
      return discoverInterfaces();
    case "metrics":
      return metrics.render();
    case "flows":
      return flows;
    case "memory":
      return process.memoryUsage().rss;
    case "refuse":
      refuse = request.refuse;
      return undefined;
  }
}

process.on("message", (request: HostRequest) => {
  void answer(request).then((value) => process.send?.({ value }));
});
process.on("disconnect", () => process.exit(0));
