/**
 * Packets with the firewall's verdict, from its log to the taps of the interfaces that they crossed.
 *
 * A packet is a tap's as it is for a ring on the interface: it comes in by its ingress interface, and goes out
 * by its egress interface if it was let through or if the host itself sent it.
 *
 * What was lost is counted as a drop of every interface, for nobody can say whose it was: a gap in the
 * sequence by the number of its messages, of which a packet has two.
 */
import { createPollSet, type Libc, type PollDescriptors, pollIn } from "../../libc/mod.ts";
import { createFrameColumns, type FrameColumns, linkTypeRawIp } from "../frames.ts";
import type { Intake } from "../intake.ts";
import { packetTypes } from "../ring/layout.ts";
import { createFedTap, type FedTap, type Tap } from "../tap.ts";
import type { LogSocket } from "./log-socket.ts";
import {
  createLoggedPackets,
  type DatagramCursor,
  type LoggedPackets,
  readLoggedPackets,
  stages,
} from "./message.ts";
import {
  abandonWaiting,
  createPairing,
  decisions,
  expireWaiting,
  type Pairing,
  releaseDecided,
  takeLogged,
} from "./pairing.ts";
import { verdictDefaults } from "./verdict-options.ts";

export interface VerdictSourceOptions {
  readonly libc: Libc;
  readonly snapshotBytes: number;
  /** For how long a packet may be between its two messages. */
  readonly waitMs: number;
  readonly packetsMax?: number;
  /** This process's clock in microseconds since 1970. */
  readonly nowUs: () => number;
}

export interface VerdictSource {
  /** All taps read the one socket, each for all of them. */
  openTap(name: string, intake: Intake): Tap;
  /** From now on a tap that is finished reads until what was logged before is decided. */
  end(): void;
}

/** Beside the wait, by how much a packet may be late: what the kernel gathers, and a turn of the loop. */
export const verdictSlackMs = 200;

interface VerdictTap {
  readonly tap: FedTap;
  readonly frames: FrameColumns;
  /** Packets of this interface that were left undecided. */
  undecided: number;
  /** What was lost before the tap was opened. */
  readonly lostBefore: number;
}

interface Source {
  readonly socket: LogSocket;
  readonly options: VerdictSourceOptions;
  readonly pairing: Pairing;
  readonly taps: Map<number, VerdictTap>;
  /** The sequence number that the next message should have; -1 before the first. */
  expected: number;
  /** Whether the kernel said that it lost messages whose number is not known yet. */
  overrun: boolean;
  lost: number;
  ending: boolean;
  /** When all that had been logged was decided last; of the steady clock. */
  settledMs: number;
  readonly cursor: DatagramCursor;
  readonly packets: LoggedPackets;
  readonly waiting: PollDescriptors;
}

const packetsMaxDefault = 65_536;
const packetsAtOnce = 256;
const framesAtOnce = 256;
const datagramsAtOnce = 16;
const catchUpTurns = 64;
/** After this time the kernel has handed over what it gathered. */
const gatheringMs = 2 * verdictDefaults.timeoutMs;

export function createVerdictSource(socket: LogSocket, options: VerdictSourceOptions): VerdictSource {
  const { snapshotBytes, waitMs, packetsMax = packetsMaxDefault } = options;
  const source: Source = {
    socket,
    options,
    pairing: createPairing({ packetsMax, snapshotBytes, waitUs: waitMs * 1000 }),
    taps: new Map(),
    expected: -1,
    overrun: false,
    lost: 0,
    ending: false,
    settledMs: Number.NEGATIVE_INFINITY,
    cursor: { at: 0, end: 0, malformed: 0 },
    packets: createLoggedPackets(packetsAtOnce),
    waiting: createPollSet([{ descriptor: socket.descriptor, events: pollIn }]),
  };
  return {
    openTap: (name, intake) => openTap(source, name, intake),
    end: () => void (source.ending = true),
  };
}

function openTap(source: Source, name: string, intake: Intake): Tap {
  const { socket, taps } = source;
  const { interfaceIndex } = intake;
  // What was logged while nobody wanted it is nobody's.
  if (taps.size === 0) catchUp(source);
  const tap = createFedTap(name, intake);
  const frames = createFrameColumns(framesAtOnce);
  taps.set(interfaceIndex, { tap, frames, undecided: 0, lostBefore: lostOf(source) });
  return {
    ...tap,
    descriptor: socket.descriptor,
    read: () => read(source),
    catchUp() {
      settle(source);
      return tap.catchUp();
    },
    finish() {
      if (source.ending) finish(source);
      else catchUp(source);
      tap.finish();
    },
    close() {
      if (taps.get(interfaceIndex)?.tap === tap) taps.delete(interfaceIndex);
    },
  };
}

/** Reads what is ready, within bounds, and hands over what is decided; true if nothing more is. */
function read(source: Source): boolean {
  for (let datagrams = 0; datagrams < datagramsAtOnce; datagrams++) {
    // This process may get no time to run after the look: what comes meanwhile is not looked at yet.
    const nowUs = source.options.nowUs();
    const found = source.socket.read(source.cursor);
    if (found === "empty") {
      expire(source, nowUs);
      return true;
    }
    if (found === "overrun") overrun(source);
    else takeDatagram(source);
  }
  return false;
}

/** Bounded, for packets may come faster than they are read. */
function catchUp(source: Source): void {
  for (let turn = 0; turn < catchUpTurns && !read(source); turn++);
}

/**
 * Gives what was logged before this call the time to be decided. Each tap asks for it in turn, and what the first
 * waited for the others need not.
 */
function settle(source: Source): void {
  const { waitMs, libc } = source.options;
  const startedMs = performance.now();
  catchUp(source);
  if (startedMs - source.settledMs < waitMs) return;
  let elapsedMs = 0;
  while (elapsedMs < gatheringMs || (source.pairing.oldest >= 0 && elapsedMs < waitMs + gatheringMs)) {
    libc.poll(source.waiting, gatheringMs);
    read(source);
    elapsedMs = performance.now() - startedMs;
  }
  source.settledMs = performance.now();
}

/** Lets go of what came after the end. */
function finish(source: Source): void {
  settle(source);
  abandonWaiting(source.pairing);
  handOver(source);
}

function lostOf({ lost, pairing }: Source): number {
  return lost + pairing.overflowed;
}

function takeDatagram(source: Source): void {
  const { pairing, socket, cursor, packets } = source;
  const nowUs = source.options.nowUs();
  while (cursor.at < cursor.end) {
    readLoggedPackets(socket.view, cursor, packets);
    for (let row = 0; row < packets.count; row++) {
      followSequence(source, packets.sequence[row]!);
      if (packets.stage[row] === stages.foreign) continue;
      takeLogged(pairing, packets, row, socket.bytes, socket.view, nowUs);
    }
    handOver(source);
  }
  source.lost += cursor.malformed;
  cursor.malformed = 0;
}

/** At least one message is lost, whose window may end before another message tells how many. */
function overrun(source: Source): void {
  if (source.overrun) return;
  source.overrun = true;
  source.lost++;
}

function followSequence(source: Source, sequence: number): void {
  const gap = source.expected < 0 ? 0 : (sequence - source.expected) >>> 0;
  source.expected = (sequence + 1) >>> 0;
  if (gap === 0) return;
  // One of them was counted when the kernel said that there are some.
  source.lost += source.overrun ? gap - 1 : gap;
  source.overrun = false;
  abandonWaiting(source.pairing);
  // All of them may be all there are: the next packet needs a slot.
  handOver(source);
}

/**
 * Decides what has waited long enough, when all that came until `nowUs` has been read. After a loss that no
 * sequence number has told of yet, nothing may be called rejected.
 */
function expire(source: Source, nowUs: number): void {
  const decision = source.overrun ? decisions.undecided : decisions.rejected;
  expireWaiting(source.pairing, nowUs, decision);
  handOver(source);
}

/** Gives the decided packets to their taps, and their slots back. */
function handOver(source: Source): void {
  const { pairing, taps } = source;
  for (let index = 0; index < pairing.decidedCount; index++) {
    const slot = pairing.decided[index]!;
    const decision = pairing.decision[index]!;
    const ingress = pairing.ingressInterface[slot]!;
    const egress = pairing.egressInterface[slot]!;
    if (ingress !== 0) giveTo(taps.get(ingress), pairing, slot, decision, packetTypes.host);
    if (egress !== 0 && (ingress === 0 || decision === decisions.accepted)) {
      giveTo(taps.get(egress), pairing, slot, decision, packetTypes.outgoing);
    }
  }
  for (const entry of taps.values()) {
    takeFrames(entry, pairing);
    entry.tap.setDrops(lostOf(source) - entry.lostBefore + entry.undecided);
  }
  releaseDecided(pairing);
}

function giveTo(
  entry: VerdictTap | undefined,
  pairing: Pairing,
  slot: number,
  decision: number,
  packetType: number,
): void {
  if (entry === undefined) return;
  if (decision === decisions.undecided) {
    entry.undecided++;
    return;
  }
  const { frames } = entry;
  const row = frames.count++;
  const offset = slot * pairing.options.snapshotBytes;
  const captured = pairing.length[slot]!;
  frames.offset[row] = offset;
  frames.capturedLength[row] = captured;
  frames.wireLength[row] = Math.max(captured, ipLengthOf(pairing.view, offset, captured));
  frames.timestampUs[row] = pairing.timestampUs[slot]!;
  frames.linkType[row] = linkTypeRawIp;
  frames.packetType[row] = packetType;
  frames.vlanId[row] = 0;
  frames.verdict[row] = decision;
  if (frames.count === frames.capacity) takeFrames(entry, pairing);
}

function takeFrames({ tap, frames }: VerdictTap, { bytes, view }: Pairing): void {
  if (frames.count > 0) tap.take(bytes, view, frames);
  frames.count = 0;
}

/** Total length of an IPv4 packet, header and payload of an IPv6 one; 0 where the header is cut. */
function ipLengthOf(view: DataView, offset: number, captured: number): number {
  if (captured < 6) return 0;
  return view.getUint8(offset) >>> 4 === 6 ? 40 + view.getUint16(offset + 4) : view.getUint16(offset + 2);
}
