import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

import type { DeliveryMessage, DeliveryOptions } from "./delivery-process.ts";

type Message<Kind extends DeliveryMessage["kind"]> = Extract<DeliveryMessage, { kind: Kind }>;

/** Runs the delivering process again and again on one directory, and keeps what it has confirmed. */
export class DeliveryHarness {
  readonly directory: string;
  readonly rowsPerBatch: number;
  readonly deduplicate: boolean;
  confirmed = 0;
  child!: ChildProcess;
  messages: DeliveryMessage[] = [];
  listeners: (() => void)[] = [];

  constructor(options: Pick<DeliveryOptions, "directory" | "rowsPerBatch" | "deduplicate">) {
    this.directory = options.directory;
    this.rowsPerBatch = options.rowsPerBatch;
    this.deduplicate = options.deduplicate;
  }

  async start(confirmationDelayMs: number): Promise<Message<"started">> {
    const options: DeliveryOptions = {
      directory: this.directory,
      deduplicate: this.deduplicate,
      rowsPerBatch: this.rowsPerBatch,
      from: this.confirmed + 1,
      confirmationDelayMs,
    };
    this.messages = [];
    this.child = fork(join(import.meta.dirname, "delivery-process.ts"), [JSON.stringify(options)], {
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
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
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

  /** Ends the process if it still runs. */
  end(): void {
    this.child.kill("SIGKILL");
  }
}
