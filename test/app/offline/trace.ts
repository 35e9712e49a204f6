/** A generated trace as a file, with what is in it. */
import { createHash } from "node:crypto";
import { Readable } from "node:stream";

import {
  type Conversations,
  createTruth,
  generateTrace,
  type TraceOptions,
  tracePresets,
  type Truth,
  type TruthTimeouts,
} from "../../../bench/generate/mod.ts";
import { type FlowConsumer, meterCapture, type OfflineReport } from "../../../src/app/offline/mod.ts";
import { openCaptureFile } from "../../../src/capture/file/mod.ts";
import type { MeterPolicy } from "../../../src/meter/mod.ts";

export interface Trace {
  readonly bytes: Buffer;
  readonly hash: string;
  readonly plan: Conversations;
  readonly truth: Truth;
}

export const smallTrace: TraceOptions = {
  ...tracePresets["50k"],
  packets: 60_000,
  conversations: 4000,
  durationShareMin: 0.1,
};

export function createTrace(timeouts: TruthTimeouts, options: TraceOptions = smallTrace): Trace {
  const pieces: Buffer[] = [];
  const truth = createTruth(timeouts);
  const plan = generateTrace(options, (bytes) => pieces.push(Buffer.from(bytes)), truth.observe);
  const bytes = Buffer.concat(pieces);
  return { bytes, plan, truth, hash: createHash("sha256").update(bytes).digest("hex") };
}

export async function meterBytes(
  bytes: Uint8Array,
  options: {
    timeouts?: Pick<TruthTimeouts, "activeTimeoutUs" | "inactiveTimeoutUs">;
    policy?: MeterPolicy;
    consumers?: FlowConsumer[];
    flowsMax?: number;
    top?: number;
    signal?: AbortSignal;
  } = {},
): Promise<OfflineReport> {
  const file = await openCaptureFile("-", Readable.from([Buffer.from(bytes)], { objectMode: false }));
  if (!file.ok) throw new Error(file.fault.message);
  return meterCapture({
    file: file.value,
    policy: options.policy ?? {
      kind: "aging",
      activeTimeoutUs: options.timeouts?.activeTimeoutUs ?? 300e6,
      inactiveTimeoutUs: options.timeouts?.inactiveTimeoutUs ?? 15e6,
    },
    flowsMax: options.flowsMax ?? 1e6,
    top: options.top ?? 10,
    consumers: options.consumers ?? [],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}
