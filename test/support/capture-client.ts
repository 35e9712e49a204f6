/** The test's side of capture-host.ts. */
import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Result } from "../../src/base/mod.ts";
import { unwrap } from "../../src/base/mod.ts";
import {
  allTraffic,
  type CaptureConfig,
  type CapturePlan,
  type CapturePolicy,
  type CaptureStatus,
  type CaptureSubject,
  type HostInterface,
  type LedgerEntry,
} from "../../src/capture/mod.ts";
import type { CapturedFlow, HostRequest } from "./capture-host.ts";
import type { FrameOrder } from "./frame-sender.ts";
import type { Namespace } from "./netns.ts";

export type { CapturedFlow } from "./capture-host.ts";

export interface CaptureClient {
  readonly process: ChildProcess;
  start(config?: Partial<CaptureConfig>): Promise<Result<CaptureStatus>>;
  /** Starts one that reads the firewall's verdicts where its table is. */
  startWithVerdicts(): Promise<Result<CaptureStatus>>;
  apply(plan: Partial<CapturePlan>): Promise<CaptureStatus>;
  tryApply(plan: Partial<CapturePlan>): Promise<Result<CaptureStatus>>;
  /** Applies the last plan once more: its answer comes when all that the kernel has taken by now is read. */
  applyAgain(): Promise<Result<CaptureStatus>>;
  status(): Promise<CaptureStatus>;
  flows(): Promise<CapturedFlow[]>;
  interfaces(): Promise<HostInterface[]>;
  metrics(): Promise<string>;
  memory(): Promise<number>;
  refuse(refuse: boolean): Promise<void>;
  stop(): Promise<void>;
  close(): void;
}

const hostEntry = fileURLToPath(new URL("capture-host.ts", import.meta.url));

export interface ClientOptions {
  /** A command with arguments that the host is started by, such as setpriv. */
  readonly prefix?: readonly string[];
}

/** Starts a capture host in the namespace, or in this one. */
export function startCaptureClient(
  namespace?: Namespace,
  { prefix = [] }: ClientOptions = {},
): CaptureClient {
  const enter = namespace === undefined ? [] : ["ip", "netns", "exec", namespace.name];
  const [command, ...args] = [...enter, ...prefix, process.execPath, "--disable-warning=ExperimentalWarning"];
  const child = fork(hostEntry, [], { execPath: command, execArgv: args, serialization: "advanced" });
  const waiting: ((value: unknown) => void)[] = [];
  child.on("message", (message: { value: unknown }) => waiting.shift()?.(message.value));
  const call = async <T>(request: HostRequest): Promise<T> =>
    new Promise<unknown>((resolve) => {
      waiting.push(resolve);
      child.send(request);
    }) as Promise<T>;
  let last: Partial<CapturePlan> = {};
  const tryApply = (plan: Partial<CapturePlan>): Promise<Result<CaptureStatus>> => {
    last = plan;
    return call({
      call: "apply",
      plan: { subjects: [], excluded: [], loopback: false, natInterfaces: [], ...plan },
    });
  };
  return {
    process: child,
    start: (config = {}) => call({ call: "start", config }),
    startWithVerdicts: () => call({ call: "start", config: {}, verdicts: true }),
    tryApply,
    applyAgain: () => tryApply(last),
    apply: async (plan) => unwrap(await tryApply(plan)),
    status: () => call({ call: "status" }),
    flows: () => call({ call: "flows" }),
    interfaces: () => call({ call: "interfaces" }),
    metrics: () => call({ call: "metrics" }),
    memory: () => call({ call: "memory" }),
    refuse: (refuse) => call({ call: "refuse", refuse }),
    stop: () => call({ call: "stop" }),
    close() {
      if (child.connected) child.disconnect();
    },
  };
}

export function agingOf(activeTimeoutMs: number, inactiveTimeoutMs: number): CapturePolicy {
  return { kind: "aging", activeTimeoutMs, inactiveTimeoutMs };
}

export function subjectOf(given: Partial<CaptureSubject>): CaptureSubject {
  return {
    flowLogId: "fl-test",
    resourceId: "res-test",
    scope: "interface",
    interfaceNames: [],
    policy: agingOf(60_000, 10_000),
    filter: allTraffic,
    verdicts: false,
    observationDomain: 1,
    flowsMax: 100_000,
    ...given,
  };
}

/**
 * Asks until the ledger of every interface is at rest: nothing unread, and the same twice. Each time the capture
 * process itself is asked: what it reported last may be old where it gets no time to run.
 */
export async function ledgerAtRest(client: CaptureClient): Promise<readonly LedgerEntry[]> {
  let before = "";
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 1100));
    if (!(await client.applyAgain()).ok) continue;
    const { ledger } = await client.status();
    const now = JSON.stringify(ledger);
    if (now === before && ledger.every((entry) => entry.unread === 0)) return ledger;
    before = now;
  }
}

/** How often the ledger was checked, and by how many packets it did not add up. */
export async function ledgerChecks(client: CaptureClient): Promise<{ checks: number; error: number }> {
  const rendered = await client.metrics();
  const sum = (name: string): number =>
    [...rendered.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, "gmu"))]
      .map((match) => Number(match[1]))
      .reduce((total, value) => total + value, 0);
  return {
    checks: sum("weir_capture_ledger_checks_total"),
    error: sum("weir_capture_ledger_error_packets"),
  };
}

export interface FrameSender {
  /** Sends each frame as often as asked, in this order; resolves when the kernel has taken them. */
  send(orders: readonly FrameOrder[]): Promise<void>;
  close(): void;
}

const senderEntry = fileURLToPath(new URL("frame-sender.ts", import.meta.url));

export async function startFrameSender(namespace: Namespace, interfaceName: string): Promise<FrameSender> {
  const [command, ...args] = ["ip", "netns", "exec", namespace.name, process.execPath];
  const child = fork(senderEntry, [interfaceName], {
    execPath: command,
    execArgv: [...args, "--disable-warning=ExperimentalWarning"],
    serialization: "advanced",
  });
  const answered = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the frame sender ended with ${code}`));
      child.once("exit", ended);
      child.once("message", () => {
        child.off("exit", ended);
        resolve();
      });
    });
  await answered();
  return {
    send(orders) {
      const answer = answered();
      child.send([...orders]);
      return answer;
    },
    close: () => child.disconnect(),
  };
}
