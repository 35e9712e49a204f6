/** Offers a batch to the spool until it takes it. */
import { setTimeout as sleep } from "node:timers/promises";

import { type Fault, fault, type Result, toFault } from "../base/mod.ts";

export interface Acceptance {
  readonly accept: (bytes: Uint8Array) => Promise<Result<unknown>>;
  /** Called for each refusal, before the next try. */
  readonly onRefused: (reason: Fault, retryMs: number) => void;
  /** Whether to give up: nobody waits for the batch any more. */
  readonly given: () => boolean;
}

const retryMsMin = 100;
const retryMsMax = 5000;

/** Resolves true when the batch is accepted, false when it was given up. */
export async function offerBatch(bytes: Uint8Array, acceptance: Acceptance): Promise<boolean> {
  for (let retryMs = retryMsMin; ; retryMs = Math.min(retryMs * 2, retryMsMax)) {
    const result = await tryAccept(bytes, acceptance);
    if (result.ok) return true;
    acceptance.onRefused(result.fault, retryMs);
    await sleep(retryMs, undefined, { ref: false });
    if (acceptance.given()) return false;
  }
}

async function tryAccept(bytes: Uint8Array, { accept }: Acceptance): Promise<Result<unknown>> {
  try {
    return await accept(bytes);
  } catch (error) {
    return { ok: false, fault: fault("Internal", toFault(error).message, { cause: error }) };
  }
}
