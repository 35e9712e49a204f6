/**
 * One interface's TPACKET_V3 receive ring: opening, walking, exact statistics, closing.
 *
 * The socket is made with protocol 0 and bound last, so that no packet reaches it before the ring and the
 * snapshot length are set and the kernel's counters stand for exactly what the ring was offered.
 */
import { release } from "node:os";

import { type Fault, fault, ok, type Result } from "../../base/mod.ts";
import {
  errnos,
  type Libc,
  type LibcError,
  type LibcResult,
  withConstantFilter,
  withFilter,
} from "../../libc/mod.ts";
import { createFrameColumns, type FrameColumns } from "../frames.ts";
import { privilegeMissing } from "../privilege.ts";
import { type BlockCursor, createRingMemory, enterBlock, readFrames, type RingMemory } from "./block.ts";
import {
  blockStatus,
  blockStatusUser,
  familyPacket,
  fanoutByProgram,
  frameBytes,
  levelPacket,
  levelSocket,
  optionAttachFilter,
  optionError,
  optionFanout,
  optionFanoutData,
  optionReceiveRing,
  optionStatistics,
  optionVersion,
  packetVersion3,
  protocolAllNetworkOrder,
  typeRaw,
} from "./layout.ts";
import { shareProgram } from "./share-program.ts";

/** Who else reads the same interfaces: a packet is one worker's only. */
export interface RingShare {
  /** Of the workers of one Weir: from it and the interface's index the kernel's number of the group is made. */
  readonly group: number;
  readonly workers: number;
}

export interface RingOptions {
  /** Memory of the ring in bytes; rounded down to whole blocks, two at least. */
  readonly ringBytes: number;
  /** Bytes of a block: a power of two of at least a page. The kernel hands over whole blocks. */
  readonly blockBytes: number;
  /** Bytes kept of each frame. */
  readonly snapshotBytes: number;
  /** After how many milliseconds a block that is not full is handed over. */
  readonly retireTimeoutMs: number;
  /** Absent where one ring takes all packets of the interface. */
  readonly share?: RingShare | undefined;
}

/** Cumulative since the ring was opened. */
export interface KernelCounts {
  /** Packets that passed the socket's filter, dropped ones included. */
  packets: number;
  drops: number;
}

/** Takes the frames of one call; it must be done with them when it returns. */
export type FrameReader = (memory: RingMemory, frames: FrameColumns) => void;

export interface Ring {
  readonly descriptor: number;
  readonly interfaceIndex: number;
  /** Packets handed to the reader since the ring was opened. */
  readonly packetsRead: () => number;
  /** Reads at most `blocksMax` blocks; true if the kernel has no more ready. */
  read(reader: FrameReader, blocksMax: number): boolean;
  /** What the kernel counted since the ring was opened. Reading resets the kernel's own counters. */
  statistics(): KernelCounts;
  /** Takes and clears the socket's pending error (ENETDOWN when the interface went down); 0 if there is none. */
  takeError(): number;
  /** Whether the interface that it was opened on is still there: one that came after it is another, whatever its index. */
  isBound(): boolean;
  /** Lets no further packet in, so that what is in the ring can be read to its end. */
  refuseFurther(): void;
  close(): void;
}

const framesAtOnce = 256;

/**
 * Opens a ring on the interface; on index 0 one on none, which tells whether rings can be had.
 *
 * Faults: PrivilegeMissing without CAP_NET_RAW; KernelFeatureMissing where the kernel has no AF_PACKET or no
 * TPACKET_V3; CaptureUnavailable for anything else, such as memory for the ring or an interface that is gone.
 */
export function openRing(libc: Libc, interfaceIndex: number, options: RingOptions): Result<Ring> {
  const opened = libc.socket(familyPacket, typeRaw | closeOnExec, 0);
  if (!opened.ok) return { ok: false, fault: faultOfLibc(opened.error) };
  const descriptor = opened.value;
  const prepared = prepareRing(libc, descriptor, interfaceIndex, options);
  if (!prepared.ok) {
    libc.close(descriptor);
    return { ok: false, fault: faultOfLibc(prepared.error) };
  }
  return ok(createRing(libc, descriptor, interfaceIndex, prepared.value));
}

const closeOnExec = 0o2000000;

interface MappedRing {
  readonly memory: RingMemory;
  readonly blockBytes: number;
  readonly blockCount: number;
  readonly unmap: () => void;
}

function prepareRing(
  libc: Libc,
  descriptor: number,
  interfaceIndex: number,
  options: RingOptions,
): LibcResult<MappedRing> {
  const { blockBytes, snapshotBytes, retireTimeoutMs } = options;
  const blockCount = Math.max(2, Math.floor(options.ringBytes / blockBytes));
  const frameCount = (blockBytes / frameBytes) * blockCount;
  const request = Uint32Array.of(blockBytes, blockCount, frameBytes, frameCount, retireTimeoutMs, 0, 0);
  const version = Uint32Array.of(packetVersion3);
  const steps: readonly (() => LibcResult<number>)[] = [
    () => libc.setsockopt(descriptor, levelPacket, optionVersion, version),
    () => libc.setsockopt(descriptor, levelPacket, optionReceiveRing, request),
    () => attachFilter(libc, descriptor, options.share === undefined ? snapshotBytes : 0),
  ];
  for (const step of steps) {
    const done = step();
    if (!done.ok) return done;
  }
  const mapped = libc.mapShared(descriptor, blockBytes * blockCount);
  if (!mapped.ok) return mapped;
  const { memory, unmap } = mapped.value;
  const bound = interfaceIndex === 0 ? null : bindRing(libc, descriptor, interfaceIndex, options);
  if (bound?.ok === false) {
    unmap();
    return bound;
  }
  return { ok: true, value: { memory: createRingMemory(memory), blockBytes, blockCount, unmap } };
}

function bindRing(
  libc: Libc,
  descriptor: number,
  interfaceIndex: number,
  { snapshotBytes, share }: RingOptions,
): LibcResult<number> {
  const bound = libc.bind(descriptor, linkLayerAddress(interfaceIndex));
  if (!bound.ok || share === undefined) return bound;
  // Between the two the socket is shown every packet, the other workers' too: until it has joined it takes none.
  const joined = joinGroup(libc, descriptor, fanoutOf(interfaceIndex, share));
  if (!joined.ok) return { ok: false, error: { ...joined.error, call: joinCall } };
  const opened = attachFilter(libc, descriptor, snapshotBytes);
  if (!opened.ok) return opened;
  return withFilter(libc, shareProgram, (program) =>
    libc.setsockopt(descriptor, levelPacket, optionFanoutData, program),
  );
}

const joinCall = "PACKET_FANOUT";

/**
 * Kernels before 5.11 know fanout_args without its last word, the most members, and refuse any other length. To later
 * ones a request without it fits a group of any size, so that it is no second try for them.
 */
function joinGroup(libc: Libc, descriptor: number, request: Uint8Array): LibcResult<number> {
  const known = knowsGroupSizes(release()) ? request : request.subarray(0, olderFanoutBytes);
  return libc.setsockopt(descriptor, levelPacket, optionFanout, known);
}

const olderFanoutBytes = 4;

/** By the kernel's release, as uname() tells it. */
export function knowsGroupSizes(kernelRelease: string): boolean {
  const [major = 0, minor = 0] = kernelRelease.split(".").map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 11);
}

/**
 * struct fanout_args: a group that is full takes nobody else's socket. The kernel refuses a group of that number
 * unless it is of the same kind, interface and size.
 */
function fanoutOf(interfaceIndex: number, { group, workers }: RingShare): Uint8Array {
  const request = new DataView(new ArrayBuffer(8));
  request.setUint16(0, (group + interfaceIndex) & 0xffff, true);
  request.setUint16(2, fanoutByProgram, true);
  request.setUint32(4, workers, true);
  return new Uint8Array(request.buffer);
}

function attachFilter(libc: Libc, descriptor: number, snapshotBytes: number): LibcResult<number> {
  return withConstantFilter(libc, snapshotBytes, (program) =>
    libc.setsockopt(descriptor, levelSocket, optionAttachFilter, program),
  );
}

/** struct sockaddr_ll for bind(): family, protocol, interface. */
export function linkLayerAddress(interfaceIndex: number): Uint8Array<ArrayBuffer> {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, familyPacket, true);
  view.setUint16(2, protocolAllNetworkOrder, true);
  view.setInt32(4, interfaceIndex, true);
  return address;
}

function createRing(libc: Libc, descriptor: number, interfaceIndex: number, mapped: MappedRing): Ring {
  const { memory, blockBytes, blockCount } = mapped;
  const frames = createFrameColumns(framesAtOnce);
  const cursor: BlockCursor = { packetOffset: 0, packetsLeft: 0 };
  const counts: KernelCounts = { packets: 0, drops: 0 };
  const kernelCounts = new Uint32Array(3);
  const errorNumber = new Int32Array(1);
  let block = 0;
  let packetsRead = 0;
  let closed = false;
  return {
    descriptor,
    interfaceIndex,
    packetsRead: () => packetsRead,
    read(reader, blocksMax) {
      // Memory that is unmapped must not be looked at: that would end the process.
      if (closed) return true;
      for (let blocks = 0; blocks < blocksMax; blocks++) {
        const blockOffset = block * blockBytes;
        const statusWord = (blockOffset + blockStatus) >>> 2;
        // The kernel publishes a block by this word; Atomics keeps the reads of its packets behind it.
        if ((Atomics.load(memory.words, statusWord) & blockStatusUser) === 0) return true;
        enterBlock(memory, blockOffset, cursor);
        packetsRead += cursor.packetsLeft;
        while (cursor.packetsLeft > 0) {
          readFrames(memory, cursor, frames);
          reader(memory, frames);
        }
        Atomics.store(memory.words, statusWord, 0);
        block = (block + 1) % blockCount;
      }
      return false;
    },
    statistics() {
      const read = libc.getsockopt(descriptor, levelPacket, optionStatistics, kernelCounts);
      if (read.ok) {
        counts.packets += kernelCounts[0]!;
        counts.drops += kernelCounts[1]!;
      }
      return counts;
    },
    takeError() {
      errorNumber[0] = 0;
      libc.getsockopt(descriptor, levelSocket, optionError, errorNumber);
      return errorNumber[0];
    },
    isBound() {
      // The kernel takes the index back from a socket whose interface is gone.
      const address = linkLayerAddress(0);
      const read = libc.getsockname(descriptor, address);
      return !read.ok || new DataView(address.buffer).getInt32(4, true) === interfaceIndex;
    },
    refuseFurther: () => void attachFilter(libc, descriptor, 0),
    close() {
      if (closed) return;
      closed = true;
      libc.close(descriptor);
      mapped.unmap();
    },
  };
}

function faultOfLibc(error: LibcError): Fault {
  const text = `${error.call}: ${error.name}`;
  if (error.call === joinCall) {
    return fault("CaptureUnavailable", `workers cannot share the interface (${text})`, {
      remedy: "set capture.workers to 1",
      retryable: true,
    });
  }
  switch (error.errno) {
    case errnos.EPERM:
    case errnos.EACCES:
      return privilegeMissing(text);
    case errnos.EAFNOSUPPORT:
    case errnos.EPROTONOSUPPORT:
    case errnos.ENOPROTOOPT:
    case errnos.EINVAL:
      return fault("KernelFeatureMissing", `the kernel gives no TPACKET_V3 ring (${text})`, {
        remedy: "set capture.method to tcpdump",
      });
    case errnos.ENOMEM:
      return fault("CaptureUnavailable", `no memory for the capture ring (${text})`, {
        remedy: "set a smaller capture.ringBytes",
        retryable: true,
      });
    default:
      return fault("CaptureUnavailable", `cannot capture (${text})`, { retryable: true });
  }
}
