import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { describe, expect, it } from "vitest";

import type { DeliveryMessage, DeliveryOptions } from "./store/delivery-process.ts";

const rowsPerBatch = 1000;

type Message<Kind extends DeliveryMessage["kind"]> = Extract<DeliveryMessage, { kind: Kind }>;

/** Runs the delivering process again and again on one directory, and keeps what it has confirmed. */
class Harness {
  readonly directory = mkdtempSync(join(tmpdir(), "weir-store-kill-"));
  readonly deduplicate: boolean;
  confirmed = 0;
  child!: ChildProcess;
  messages: DeliveryMessage[] = [];
  listeners: (() => void)[] = [];

  constructor(deduplicate: boolean) {
    this.deduplicate = deduplicate;
  }

  async start(confirmationDelayMs: number): Promise<Message<"started">> {
    const options: DeliveryOptions = {
      directory: this.directory,
      deduplicate: this.deduplicate,
      rowsPerBatch,
      from: this.confirmed + 1,
      confirmationDelayMs,
    };
    this.messages = [];
    this.child = fork(join(import.meta.dirname, "store/delivery-process.ts"), [JSON.stringify(options)], {
      execArgv: [],
    });
    this.child.on("message", (message: DeliveryMessage) => {
      this.messages.push(message);
      if (message.kind === "accepted") this.confirmed = Math.max(this.confirmed, message.sequence);
      for (const listener of this.listeners) listener();
    });
    return this.next("started");
  }

  /** The first message of the kind, leaving out as many messages as `after` says. */
  async next<Kind extends DeliveryMessage["kind"]>(kind: Kind, after = 0): Promise<Message<Kind>> {
    return (await this.first((message) => message.kind === kind, after)) as Message<Kind>;
  }

  async first(matches: (message: DeliveryMessage) => boolean, after = 0): Promise<DeliveryMessage> {
    for (;;) {
      const found = this.messages.slice(after).find(matches);
      if (found !== undefined) return found;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const exited = (): void => reject(new Error("the process ended before it said what was waited for"));
      this.listeners.push(resolve);
      this.child.once("exit", exited);
      await promise;
      this.child.off("exit", exited);
      this.listeners = this.listeners.filter((listener) => listener !== resolve);
    }
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill("SIGKILL");
    await gone;
  }

  /** Lets the process deliver what it has accepted; gives rows and distinct rows by batch. */
  async finish(): Promise<Message<"finished">> {
    this.child.send("finish");
    const finished = await this.next("finished");
    await new Promise((resolve) => this.child.once("exit", resolve));
    return finished;
  }

  remove(): void {
    this.child.kill("SIGKILL");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Kills the process at an insert, before or after the store had it but before that was acknowledged. */
async function killAtInsert(harness: Harness, isStored: boolean): Promise<number> {
  const { highest } = await harness.next(isStored ? "stored" : "inserting", harness.messages.length);
  if (!isStored) await sleep(Math.random() * 12);
  await harness.kill();
  return highest;
}

/** Kills only the store's process during an insert; whether the insert was still unanswered. */
async function killStoreAtInsert(harness: Harness): Promise<boolean> {
  const after = harness.messages.length;
  const { highest, storePid } = await harness.next("inserting", after);
  await sleep(Math.random() * 6);
  if (storePid === undefined) return false;
  process.kill(storePid, "SIGKILL");
  const outcome = await harness.first(
    (message) => (message.kind === "refused" || message.kind === "stored") && message.highest === highest,
    after,
  );
  await harness.next("stored", harness.messages.length);
  return outcome.kind === "refused";
}

describe("flows accepted by the spool", () => {
  it("are each in the store once after 20 kills of the process and 4 of the store, each with a batch in flight", async () => {
    const harness = new Harness(true);
    try {
      let hits = 0;
      let inFlight = 0;
      for (let attempt = 0; hits < 20; attempt++) {
        expect(attempt, "kills that were needed for 20 with a batch in flight").toBeLessThan(60);
        const isStored = attempt % 3 === 0;
        // The cursor that the next start finds says whether the batch was unacknowledged when the kill came.
        const { cursor } = await harness.start(isStored ? 500 : 0);
        if (cursor < inFlight) hits++;
        inFlight = await killAtInsert(harness, isStored);
      }
      await harness.start(0);
      for (let storeHits = 0; storeHits < 4;) if (await killStoreAtInsert(harness)) storeHits++;
      const { counts, setAside } = await harness.finish();
      const accepted = Array.from({ length: harness.confirmed }, (_, index) => index + 1);
      expect(counts).toEqual(
        accepted.map((sequence) => [`${sequence}`, rowsPerBatch, rowsPerBatch, rowsPerBatch]),
      );
      expect(setAside).toBe(0);
    } finally {
      harness.remove();
    }
  });

  it("are there twice after kills when deduplication is switched off, so that the test above can fail", async () => {
    const harness = new Harness(false);
    try {
      for (let kills = 0; kills < 3; kills++) {
        await harness.start(500);
        await killAtInsert(harness, true);
      }
      await harness.start(0);
      const { counts } = await harness.finish();
      const twice = counts.filter(([, rows, distinct]) => Number(rows) > Number(distinct));
      expect(twice.length).toBeGreaterThanOrEqual(3);
    } finally {
      harness.remove();
    }
  });
});
