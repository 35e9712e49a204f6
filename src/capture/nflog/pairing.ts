/**
 * From what was logged before and behind the filter to a verdict for each packet.
 *
 * Both stages log to one group, so that its messages are in the order of time: a packet that was let through
 * is seen behind the filter shortly after it was seen before it. One that is not seen there within `waitUs`
 * was rejected; so long may a queue to user space (nft's `queue`) keep it. When messages were lost, what waits
 * is undecided, never rejected: its second message may have been among them.
 *
 * A packet is known again by what no filter changes: hook, devices, addresses, protocol, length, identification
 * and the first eight octets of its payload (ports and sequence number), hashed to 64 bits under random keys.
 * Packets that agree in all of these are the same to a meter too.
 */
import { stages, type LoggedPackets } from "./message.ts";

/** What became of a packet: the verdicts of flow/, 0 where a loss leaves it open. */
export const decisions = { undecided: 0, accepted: 1, rejected: 2 } as const;

export interface PairingOptions {
  /** Packets that wait at a time; a power of two. Beyond it the oldest is lost. */
  readonly packetsMax: number;
  readonly snapshotBytes: number;
  readonly waitUs: number;
  /** Makes the hash repeatable, for tests. */
  readonly seed?: number;
}

/** Packets by slot. Lists of slots are chained by index, and end with -1. */
export interface Pairing {
  readonly options: PairingOptions;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView<ArrayBuffer>;
  readonly length: Uint16Array<ArrayBuffer>;
  readonly timestampUs: Float64Array<ArrayBuffer>;
  readonly ingressInterface: Uint32Array<ArrayBuffer>;
  readonly egressInterface: Uint32Array<ArrayBuffer>;
  readonly keys: Int32Array<ArrayBuffer>;
  readonly arrivedUs: Float64Array<ArrayBuffer>;
  readonly buckets: Int32Array<ArrayBuffer>;
  readonly bucketNext: Int32Array<ArrayBuffer>;
  /** Waiting packets in the order of their arrival. */
  readonly older: Int32Array<ArrayBuffer>;
  readonly newer: Int32Array<ArrayBuffer>;
  oldest: number;
  newest: number;
  /** Slots that wait for a packet. */
  readonly free: Int32Array<ArrayBuffer>;
  freeCount: number;
  /** Slots whose packet is decided, until `releaseDecided`. */
  readonly decided: Int32Array<ArrayBuffer>;
  readonly decision: Uint8Array<ArrayBuffer>;
  decidedCount: number;
  /** Packets whose slot was needed for another while they waited; their octets are gone. */
  overflowed: number;
  readonly seeds: Int32Array<ArrayBuffer>;
  readonly hashed: Int32Array<ArrayBuffer>;
}

export function createPairing(options: PairingOptions): Pairing {
  const { packetsMax, snapshotBytes } = options;
  const bytes = new Uint8Array(packetsMax * snapshotBytes);
  const seeds = new Int32Array(2);
  if (options.seed === undefined) crypto.getRandomValues(seeds);
  else seeds.fill(options.seed);
  return {
    options,
    bytes,
    view: new DataView(bytes.buffer),
    length: new Uint16Array(packetsMax),
    timestampUs: new Float64Array(packetsMax),
    ingressInterface: new Uint32Array(packetsMax),
    egressInterface: new Uint32Array(packetsMax),
    keys: new Int32Array(packetsMax * 2),
    arrivedUs: new Float64Array(packetsMax),
    buckets: new Int32Array(packetsMax).fill(-1),
    bucketNext: new Int32Array(packetsMax),
    older: new Int32Array(packetsMax),
    newer: new Int32Array(packetsMax),
    oldest: -1,
    newest: -1,
    free: Int32Array.from({ length: packetsMax }, (_, index) => packetsMax - 1 - index),
    freeCount: packetsMax,
    decided: new Int32Array(packetsMax),
    decision: new Uint8Array(packetsMax),
    decidedCount: 0,
    overflowed: 0,
    seeds,
    hashed: new Int32Array(2),
  };
}

/**
 * Takes one logged packet, whose payload lies in `datagram`; `nowUs` is this process's clock. Each call decides one
 * slot at most. Slots that are decided are to be looked at and released before all there are have been decided.
 */
export function takeLogged(
  pairing: Pairing,
  packets: LoggedPackets,
  row: number,
  datagram: Uint8Array,
  view: DataView,
  nowUs: number,
): void {
  hashPacket(pairing, packets, row, view);
  if (packets.stage[row] === stages.before) return keepWaiting(pairing, packets, row, datagram, nowUs);
  const waiting = findWaiting(pairing);
  if (waiting >= 0) {
    endWaiting(pairing, waiting);
    return decide(pairing, waiting, decisions.accepted);
  }
  // Its first message was lost; that it got through is certain all the same.
  const slot = takeSlot(pairing);
  fillSlot(pairing, slot, packets, row, datagram, nowUs);
  decide(pairing, slot, decisions.accepted);
}

/** Decides what has waited its time; at most `packetsMax` slots. */
export function expireWaiting(pairing: Pairing, nowUs: number, decision: number): void {
  const { arrivedUs, options } = pairing;
  for (let slot = pairing.oldest; slot >= 0; slot = pairing.oldest) {
    // A clock that was set back must not keep them for ever.
    const ageUs = nowUs - arrivedUs[slot]!;
    if (ageUs >= 0 && ageUs < options.waitUs) return;
    endWaiting(pairing, slot);
    decide(pairing, slot, decision);
  }
}

/** Leaves everything that waits undecided. */
export function abandonWaiting(pairing: Pairing): void {
  for (let slot = pairing.oldest; slot >= 0; slot = pairing.oldest) {
    endWaiting(pairing, slot);
    decide(pairing, slot, decisions.undecided);
  }
}

export function releaseDecided(pairing: Pairing): void {
  for (let index = 0; index < pairing.decidedCount; index++) {
    pairing.free[pairing.freeCount++] = pairing.decided[index]!;
  }
  pairing.decidedCount = 0;
}

function keepWaiting(
  pairing: Pairing,
  packets: LoggedPackets,
  row: number,
  datagram: Uint8Array,
  nowUs: number,
): void {
  const slot = takeSlot(pairing);
  fillSlot(pairing, slot, packets, row, datagram, nowUs);
  const bucket = bucketOf(pairing, pairing.keys[slot * 2]!);
  pairing.bucketNext[slot] = pairing.buckets[bucket]!;
  pairing.buckets[bucket] = slot;
  pairing.older[slot] = pairing.newest;
  pairing.newer[slot] = -1;
  if (pairing.newest >= 0) pairing.newer[pairing.newest] = slot;
  else pairing.oldest = slot;
  pairing.newest = slot;
}

/** A free slot; when there is none, that of the oldest packet, which is lost. */
function takeSlot(pairing: Pairing): number {
  if (pairing.freeCount > 0) return pairing.free[--pairing.freeCount]!;
  const slot = pairing.oldest;
  endWaiting(pairing, slot);
  pairing.overflowed++;
  return slot;
}

function fillSlot(
  pairing: Pairing,
  slot: number,
  packets: LoggedPackets,
  row: number,
  datagram: Uint8Array,
  nowUs: number,
): void {
  const { snapshotBytes } = pairing.options;
  const offset = packets.payloadOffset[row]!;
  const length = Math.min(packets.payloadLength[row]!, snapshotBytes);
  const at = slot * snapshotBytes;
  for (let index = 0; index < length; index++) pairing.bytes[at + index] = datagram[offset + index]!;
  pairing.length[slot] = length;
  pairing.timestampUs[slot] = packets.timestampUs[row]! || nowUs;
  pairing.ingressInterface[slot] = packets.ingressInterface[row]!;
  pairing.egressInterface[slot] = packets.egressInterface[row]!;
  pairing.arrivedUs[slot] = nowUs;
  pairing.keys[slot * 2] = pairing.hashed[0]!;
  pairing.keys[slot * 2 + 1] = pairing.hashed[1]!;
}

function decide(pairing: Pairing, slot: number, decision: number): void {
  pairing.decided[pairing.decidedCount] = slot;
  pairing.decision[pairing.decidedCount] = decision;
  pairing.decidedCount++;
}

/** The waiting packet whose key was hashed last; -1 if there is none. */
function findWaiting(pairing: Pairing): number {
  const { keys, hashed, bucketNext } = pairing;
  let slot = pairing.buckets[bucketOf(pairing, hashed[0]!)]!;
  while (slot >= 0 && (keys[slot * 2] !== hashed[0] || keys[slot * 2 + 1] !== hashed[1])) {
    slot = bucketNext[slot]!;
  }
  return slot;
}

/** Takes a packet out of its bucket and out of the order of arrival. */
function endWaiting(pairing: Pairing, slot: number): void {
  const { buckets, bucketNext, older, newer } = pairing;
  const bucket = bucketOf(pairing, pairing.keys[slot * 2]!);
  if (buckets[bucket] === slot) buckets[bucket] = bucketNext[slot]!;
  else {
    let before = buckets[bucket]!;
    while (bucketNext[before] !== slot) before = bucketNext[before]!;
    bucketNext[before] = bucketNext[slot]!;
  }
  if (older[slot]! >= 0) newer[older[slot]!] = newer[slot]!;
  else pairing.oldest = newer[slot]!;
  if (newer[slot]! >= 0) older[newer[slot]!] = older[slot]!;
  else pairing.newest = older[slot]!;
}

function bucketOf({ options }: Pairing, hash: number): number {
  return hash & (options.packetsMax - 1);
}

/** Hashes the row's identity into `hashed`. Octets that the datagram does not have count as none. */
function hashPacket(pairing: Pairing, packets: LoggedPackets, row: number, view: DataView): void {
  const { seeds, hashed } = pairing;
  const offset = packets.payloadOffset[row]!;
  const end = offset + packets.payloadLength[row]!;
  hashed[0] = seeds[0]!;
  hashed[1] = seeds[1]!;
  mix(hashed, packets.hook[row]!);
  mix(hashed, packets.ingressInterface[row]!);
  mix(hashed, packets.egressInterface[row]!);
  if (end - offset < 20) return;
  const first = view.getUint8(offset);
  if (first >>> 4 === 6) {
    // Payload length and next header; addresses; ports and sequence number. The hop limit may be set anew.
    mixOctets(hashed, view, offset + 4, offset + 7);
    mixOctets(hashed, view, offset + 8, Math.min(end, offset + 48));
    return;
  }
  const transport = offset + (first & 0x0f) * 4;
  // Length, identification and fragment; protocol; addresses; ports and sequence number.
  mixOctets(hashed, view, offset + 2, offset + 8);
  mix(hashed, view.getUint8(offset + 9));
  mixOctets(hashed, view, offset + 12, offset + 20);
  mixOctets(hashed, view, transport, Math.min(end, transport + 8));
}

function mixOctets(hashed: Int32Array, view: DataView, from: number, to: number): void {
  for (let at = from; at < to; at++) mix(hashed, view.getUint8(at));
}

/** Two multiply-and-rotate hashes side by side, with the constants of MurmurHash3. */
function mix(hashed: Int32Array, value: number): void {
  const first = Math.imul(value, 0xcc9e2d51);
  const second = Math.imul(value, 0x1b873593);
  const one = hashed[0]! ^ ((first << 15) | (first >>> 17));
  const other = hashed[1]! ^ ((second << 13) | (second >>> 19));
  hashed[0] = Math.imul((one << 13) | (one >>> 19), 5) + 0xe6546b64;
  hashed[1] = Math.imul((other << 17) | (other >>> 15), 5) + 0x38b34ae5;
}
