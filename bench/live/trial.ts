/** One trial: a meter is started, gets packets at a rate, and is ended; what it exported is compared with what arrived. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import type { Sink } from "../meter/sink-process.ts";
import type { CpuShare } from "./cpu-share.ts";
import type { LiveMeter, OwnAccount } from "./meters.ts";
import { type LiveNetwork, receiverInterface } from "./network.ts";
import { cpuMsOf, processTree } from "./processes.ts";
import type { Sender } from "./sender-process.ts";

export interface TrialBench {
  readonly network: LiveNetwork;
  readonly sender: Sender;
  readonly sink: Sink;
  readonly cpuShare: CpuShare | undefined;
  readonly readerCpu: number;
  readonly directory: string;
  readonly durationMs: number;
  readonly activeS: number;
  readonly inactiveS: number;
}

export interface TrialOptions {
  readonly flows: number;
  /** 0 is as fast as the sender can. */
  readonly packetsPerSecond: number;
  /** The fraction of its CPU that the meter may use for each of its workers. */
  readonly share: number;
  /** Whether the meter is stopped for half of the time. */
  readonly stalled?: boolean;
}

export interface TrialResult {
  readonly packetsPerSecond: number;
  /** At the meter's interface, by its counter; the warm-up is in it. */
  readonly arrived: number;
  /** The sum of the packets of every flow that the collector got. */
  readonly exported: number;
  readonly own: OwnAccount;
  /** Of the meter and its children, for each packet. */
  readonly cpuUs: number;
  /** Of the sender, with the kernel's work up to the meter's ring, for each packet. */
  readonly senderCpuUs: number;
  readonly isClean: boolean;
}

/** Memory for packets that wait to be read, the same for all: at 0.5 M packets/s some 100 ms. */
const bufferBytes = 8 << 20;
/** Every meter takes this rate with its whole CPU. */
const warmUpRate = 400_000;
/** At the end of a trial, what waits is read, counted as the trial's. */
const settleMs = 300;
/**
 * softflowd leaves what the kernel has in a block that is not full unread until more comes: at the end of a
 * trial that is not loss.
 */
const unreadMax = 2048;

export async function runTrial(
  bench: TrialBench,
  meter: LiveMeter,
  options: TrialOptions,
): Promise<TrialResult> {
  for (let tries = 0; ; tries++) {
    const { result, missing } = await tryTrial(bench, meter, options);
    // What the collector has not got says nothing of the meter.
    if (missing === 0) return result;
    if (tries === 2) throw new Error(`the collector loses datagrams of ${meter.name}`);
  }
}

async function tryTrial(
  bench: TrialBench,
  meter: LiveMeter,
  { flows, packetsPerSecond, share, stalled = false }: TrialOptions,
): Promise<{ result: TrialResult; missing: number }> {
  const { network, sender, sink, cpuShare, readerCpu, durationMs, activeS, inactiveS } = bench;
  const directory = mkdtempSync(join(bench.directory, `${meter.name}-`));
  await sink.take();
  const running = await meter.start({
    within: network.within(network.receiver, readerCpu),
    interfaceName: receiverInterface,
    port: sink.port,
    bufferBytes,
    activeS,
    inactiveS,
    directory,
  });
  const ids = processTree(running.process.pid!);
  cpuShare?.limit(1);
  cpuShare?.add(ids);
  const arrivedBefore = network.received();
  // A meter runs for months: code that is compiled while it runs is so before it is measured.
  await sender.send({ flows, packetsPerSecond: warmUpRate, durationMs: durationMs / 2 });
  await setTimeout(settleMs);
  cpuShare?.limit(share < 1 ? share * meter.workers : 1);
  const cpuBefore = cpuMsOf(ids);
  const sending = sender.send({ flows, packetsPerSecond, durationMs });
  if (stalled) await stall(ids, durationMs);
  const sent = await sending;
  await setTimeout(settleMs);
  const cpuMs = cpuMsOf(ids) - cpuBefore;
  cpuShare?.limit(1);
  const arrived = network.received() - arrivedBefore;
  const own = await running.finish();
  const { packets: exported, missing } = await sink.take();
  rmSync(directory, { recursive: true });
  return {
    missing,
    result: {
      packetsPerSecond: (sent.packets / sent.elapsedMs) * 1000,
      arrived,
      exported,
      own,
      cpuUs: (cpuMs / sent.packets) * 1000,
      senderCpuUs: (sent.cpuMs / sent.packets) * 1000,
      isClean: own.dropped === 0 && arrived - exported <= unreadMax,
    },
  };
}

/** Stops the processes for the middle half of the time. */
async function stall(ids: readonly number[], durationMs: number): Promise<void> {
  await setTimeout(durationMs / 4);
  for (const id of ids) process.kill(id, "SIGSTOP");
  await setTimeout(durationMs / 2);
  for (const id of ids) process.kill(id, "SIGCONT");
}
