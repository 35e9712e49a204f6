/** Offers a batch to the spool until it takes it. */
import { setTimeout as sleep } from "node:timers/promises";

import { fail, type Fault, fault, ok, type Result, toFault } from "../base/mod.ts";
import { batchesUnderWayMax } from "./child/message.ts";

export interface Acceptance {
  readonly accept: (bytes: Uint8Array) => Promise<Result<unknown>>;
  /** Called for each refusal, before the next try. */
  readonly onRefused: (reason: Fault, retryMs: number) => void;
  /** Whether to give up: nobody waits for the batch any more. */
  readonly given: () => boolean;
}

const retryMsMin = 100;
const retryMsMax = 5000;
/** Of all capture processes that share packets; several times what that many batches of a sound one take. */
const bytesUnderWayMax = 128 * 1024 * 1024;

/** What the main process holds for one capture process. */
export interface BatchesUnderWay {
  /** Counts a batch in; a fault if the process has sent more than it may. */
  take(bytes: number): Result<void>;
  /** The batch is accepted, or given up. */
  end(bytes: number): void;
}

/** One that was taken over by whoever sent it packets must not fill the main process's memory. */
export function createBatchesUnderWay(workers: number): BatchesUnderWay {
  const batchesMax = batchesUnderWayMax(workers);
  const bytesMax = Math.floor(bytesUnderWayMax / workers);
  let batches = 0;
  let held = 0;
  return {
    take(bytes) {
      if (batches < batchesMax && held + bytes <= bytesMax) {
        batches++;
        held += bytes;
        return ok(undefined);
      }
      return fail("InputTooLarge", "the capture process hands over more than it may", {
        value: `${batches + 1} batches of ${held + bytes} bytes`,
        allowed: `${batchesMax} batches of ${bytesMax} bytes until the first is accepted`,
      });
    },
    end(bytes) {
      batches--;
      held -= bytes;
    },
  };
}

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
