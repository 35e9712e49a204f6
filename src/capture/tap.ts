/** A tap: one interface's packets on their way to the meters, wherever they are read from. */
import { ok, type Result } from "../base/mod.ts";
import { createPollSet, type Libc, pollIn } from "../libc/mod.ts";
import type { FrameColumns } from "./frames.ts";
import { flushIntake, type Intake, takeFrames } from "./intake.ts";
import type { RingMemory } from "./ring/block.ts";
import { type KernelCounts, openRing, type RingOptions } from "./ring/ring.ts";

export interface Tap {
  readonly name: string;
  readonly index: number;
  readonly intake: Intake;
  /** The descriptor to wait for; -1 if the tap is fed from outside. */
  readonly descriptor: number;
  /** Packets that were handed to the intake. */
  packetsRead(): number;
  /** What the kernel counted, drops included; cumulative. */
  counts(): KernelCounts;
  /** Reads what is ready, within bounds; true if nothing more is. */
  read(): boolean;
  /** Whether the interface that it was opened on is gone, though there may be one of the same name and index. */
  isOrphan(): boolean;
  /** Clears an error that would wake every poll; true if there was one. */
  takeError(): boolean;
  /**
   * Reads every packet that the kernel has taken before this call, and says how many of them did not come: 0
   * unless packets were lost unnoticed. Blocks for a block's timeout at most.
   */
  catchUp(): number;
  /** Lets no further packet in and reads the rest. */
  finish(): void;
  close(): void;
}

/** Blocks read in one turn, so that messages and timers have theirs. */
const blocksAtOnce = 16;
const catchUpPollsMax = 10;

/** Opens the ring of an interface; faults as openRing(). */
export function openRingTap(libc: Libc, name: string, intake: Intake, options: RingOptions): Result<Tap> {
  const opened = openRing(libc, intake.interfaceIndex, options);
  if (!opened.ok) return opened;
  const ring = opened.value;
  const reader = (memory: RingMemory, frames: FrameColumns): void =>
    takeFrames(intake, memory.bytes, memory.view, frames);
  const read = (): boolean => {
    const drained = ring.read(reader, blocksAtOnce);
    flushIntake(intake);
    return drained;
  };
  const waiting = createPollSet([{ descriptor: ring.descriptor, events: pollIn }]);
  const catchUp = (): number => {
    const { packets, drops } = ring.statistics();
    const taken = packets - drops;
    for (let polls = 0; polls < catchUpPollsMax; polls++) {
      for (let drained = false; !drained && ring.packetsRead() < taken;) drained = read();
      if (ring.packetsRead() >= taken) return 0;
      libc.poll(waiting, options.retireTimeoutMs);
    }
    return taken - ring.packetsRead();
  };
  return ok({
    name,
    index: intake.interfaceIndex,
    intake,
    descriptor: ring.descriptor,
    packetsRead: ring.packetsRead,
    counts: () => ring.statistics(),
    read,
    isOrphan: () => !ring.isBound(),
    takeError: () => ring.takeError() !== 0,
    catchUp,
    finish() {
      ring.refuseFurther();
      catchUp();
    },
    close: () => ring.close(),
  });
}

export interface FedTap extends Tap {
  /** Takes frames that lie in `bytes`. */
  take(bytes: Uint8Array, view: DataView, frames: FrameColumns): void;
  /** Sets the drops that the feeder's kernel counted so far. */
  setDrops(drops: number): void;
}

/** A tap whose frames are brought by someone else: a tcpdump, a file. */
export function createFedTap(name: string, intake: Intake): FedTap {
  const counts: KernelCounts = { packets: 0, drops: 0 };
  let packetsRead = 0;
  return {
    name,
    index: intake.interfaceIndex,
    intake,
    descriptor: -1,
    packetsRead: () => packetsRead,
    counts() {
      counts.packets = packetsRead + counts.drops;
      return counts;
    },
    read: () => true,
    isOrphan: () => false,
    takeError: () => false,
    catchUp() {
      flushIntake(intake);
      return 0;
    },
    finish: () => flushIntake(intake),
    close: () => undefined,
    take(bytes, view, frames) {
      packetsRead += frames.count;
      takeFrames(intake, bytes, view, frames);
      flushIntake(intake);
    },
    setDrops: (drops) => void (counts.drops = drops),
  };
}
