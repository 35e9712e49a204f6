/** Arrays of `struct pollfd { int fd; short events; short revents; }` for Libc.poll(). */
import type { PollDescriptors } from "./libc.ts";

export const pollIn = 0x1;
export const pollOut = 0x4;
export const pollError = 0x8;
const entryHalves = 4;

export interface PollRequest {
  readonly descriptor: number;
  readonly events: number;
}

export function createPollSet(requests: readonly PollRequest[]): PollDescriptors {
  const bytes = new Int16Array(requests.length * entryHalves);
  const descriptors = new Int32Array(bytes.buffer);
  for (const [index, request] of requests.entries()) {
    descriptors[index * 2] = request.descriptor;
    bytes[index * entryHalves + 2] = request.events;
  }
  return { bytes, count: BigInt(requests.length) };
}

/** The events that the last poll() found on the `index`-th descriptor. */
export function foundEvents(set: PollDescriptors, index: number): number {
  return set.bytes[index * entryHalves + 3]!;
}

/** Changes the events that the `index`-th descriptor is waited for. */
export function setEvents(set: PollDescriptors, index: number, events: number): void {
  set.bytes[index * entryHalves + 2] = events;
}
