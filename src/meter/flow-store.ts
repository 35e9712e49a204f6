/**
 * Flows as fixed-size structs in one buffer a family.
 *
 * An IPv4 flow is 64 bytes, one cache line; an IPv6 flow is 96. Both begin alike, so that one code updates
 * them. The struct is laid out in words of four bytes:
 *
 *   0  end (f64)   2  start (f64)   4  octets (f64)   6  packets (f64)
 *   8  ports   9  traits   10  interface index   11  TCP bits, class of service, finished
 *   12  hash   13  not used
 *   14  source and destination: one word each for IPv4, four for IPv6
 *
 * Traits is the rest of the key in one word: protocol (bits 0–7), direction (8–9), IPv6 (10), verdict (11–12),
 * VLAN id (16–31). Bits 13–15 are never set, so `vacant` marks a struct that holds no flow.
 */
import {
  chunkEntries,
  clearReferences,
  createReferenceLists,
  peekReference,
  popReference,
  pushReference,
  type ReferenceLists,
} from "./reference-lists.ts";
import { type AllocateTable, createTableStructs } from "./table-memory.ts";

export const flowWords = {
  ports: 8,
  traits: 9,
  interfaceIndex: 10,
  flags: 11,
  hash: 12,
  addresses: 14,
} as const;
/** Within the same struct, counted in doubles. */
export const flowDoubles = { endUs: 0, startUs: 1, octets: 2, packets: 3 } as const;

export const ipv4FlowWords = 16;
export const ipv6FlowWords = 24;

/** The flags word: TCP control bits below, class of service above them, and one bit for FIN or RST seen. */
export const flagsClassShift = 16;
export const flagsFinished = 1 << 24;

export const traitsDirectionShift = 8;
export const traitsIpv6 = 1 << 10;
export const traitsVerdictShift = 11;
export const traitsVlanShift = 16;
export const vacant = 0xffffffff;

/** Words of a cache line. */
const lineWords = 16;
/** Few, so that the buffer's first growth is over before any of this is compiled for what has never changed. */
const flowsMin = chunkEntries;
/** By how much the buffer grows: what lies beyond `used` is address space, no memory. */
const growthFactor = 4;

export interface FlowStore {
  readonly allocate: AllocateTable;
  readonly structWords: number;
  words: Uint32Array;
  doubles: Float64Array;
  /** Structs that fit the buffer. */
  capacity: number;
  /** Structs that hold a flow or are vacant: those from here on are untouched memory. */
  used: number;
  /** The most that `used` has been. */
  usedMax: number;
  /** Structs, from the first on, whose flows a flush that is under way has ended. */
  flushed: number;
  /** The vacant structs below `used`. */
  readonly vacancies: ReferenceLists;
}

export function createFlowStore(allocate: AllocateTable, structWords: number): FlowStore {
  const words = createTableStructs(allocate, flowsMin * structWords);
  return {
    allocate,
    structWords,
    words,
    doubles: doublesOf(words),
    capacity: flowsMin,
    used: 0,
    usedMax: 0,
    flushed: 0,
    vacancies: createReferenceLists(allocate, 1),
  };
}

/** The index of a struct for a new flow; the buffer grows, up to `flowsMax` structs, when it is full. */
export function takeFlow(store: FlowStore, flowsMax: number): number {
  const index = popReference(store.vacancies, 0);
  if (index >= 0) return index;
  addVacancies(store, flowsMax);
  return popReference(store.vacancies, 0);
}

/** Gives a struct back: the last one given back is the first one taken. */
export function releaseFlow(store: FlowStore, index: number): void {
  store.words[index * store.structWords + flowWords.traits] = vacant;
  pushReference(store.vacancies, 0, index);
}

/** The index of the struct that will be taken after `ahead` others; -1 if that is not known. */
export function peekVacancy(store: FlowStore, ahead: number): number {
  return peekReference(store.vacancies, 0, ahead);
}

/** Reads the structs at the given words, so that they are in the cache when they are worked on; see RowGroup.touched. */
export function touchStructs(
  { words, structWords }: FlowStore,
  structs: Int32Array,
  from: number,
  end: number,
): number {
  let touched = 0;
  for (let index = from; index < end; index++) touched ^= words[structs[index]!]!;
  if (structWords > lineWords) {
    for (let index = from; index < end; index++) touched ^= words[structs[index]! + lineWords]!;
  }
  return touched;
}

/** Forgets every flow and keeps the memory. */
export function clearStore(store: FlowStore): void {
  store.used = 0;
  store.flushed = 0;
  clearReferences(store.vacancies);
}

/** Fresh structs become vacant ones, the first of them to be taken first: so all are taken in one way. */
function addVacancies(store: FlowStore, flowsMax: number): void {
  const first = store.used;
  if (first === store.capacity) growStore(store, Math.min(store.capacity * growthFactor, flowsMax));
  store.used = Math.min(first + chunkEntries, store.capacity);
  store.usedMax = Math.max(store.usedMax, store.used);
  for (let index = store.used - 1; index >= first; index--) releaseFlow(store, index);
}

function growStore(store: FlowStore, capacity: number): void {
  const words = createTableStructs(store.allocate, capacity * store.structWords);
  words.set(store.words);
  store.words = words;
  store.doubles = doublesOf(words);
  store.capacity = capacity;
}

/** The same memory as doubles. */
function doublesOf(words: Uint32Array): Float64Array {
  return new Float64Array(words.buffer, words.byteOffset, words.length / 2);
}
