/**
 * The host's own addresses as an open-addressing hash set over typed arrays: it is asked once for each
 * packet that leaves.
 */
import { networkInterfaces } from "node:os";

import { addressWords, parseAddress } from "../base/mod.ts";

export interface AddressSet {
  /** Four words an entry; the words' bytes in memory are in network order. */
  words: Uint32Array<ArrayBuffer>;
  /** 1 where an entry is. */
  used: Uint8Array<ArrayBuffer>;
  mask: number;
}

/** A set of addresses in the 16-byte form. */
export function createAddressSet(addresses: readonly Uint8Array[]): AddressSet {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(8, addresses.length * 4)));
  const set = {
    words: new Uint32Array(capacity * addressWords),
    used: new Uint8Array(capacity),
    mask: capacity - 1,
  };
  for (const address of addresses) addAddress(set, address);
  return set;
}

function addAddress(set: AddressSet, address: Uint8Array): void {
  const words = new Uint32Array(address.slice().buffer);
  if (hasAddress(set, words, 0)) return;
  let slot = slotOf(words, 0, set.mask);
  while (set.used[slot] === 1) slot = (slot + 1) & set.mask;
  set.used[slot] = 1;
  set.words.set(words, slot * addressWords);
}

/** Whether the address whose four words begin at `words[at]` is in the set. */
export function hasAddress(set: AddressSet, words: Uint32Array, at: number): boolean {
  let slot = slotOf(words, at, set.mask);
  while (set.used[slot] === 1) {
    const entry = slot * addressWords;
    if (
      set.words[entry + 3] === words[at + 3] &&
      set.words[entry + 2] === words[at + 2] &&
      set.words[entry + 1] === words[at + 1] &&
      set.words[entry] === words[at]
    ) {
      return true;
    }
    slot = (slot + 1) & set.mask;
  }
  return false;
}

function slotOf(words: Uint32Array, at: number, mask: number): number {
  const mixed = Math.imul(words[at]! ^ words[at + 1]! ^ words[at + 2]! ^ words[at + 3]!, 0x9e3779b1);
  return (mixed ^ (mixed >>> 15)) & mask;
}

/**
 * Addresses that every host has. The unspecified ones are among them: a host that has no address yet (DHCP,
 * duplicate address detection) sends from them, and no router forwards them.
 */
const alwaysOwn = ["0.0.0.0", "::", "127.0.0.1", "::1"];

/** `assigned` and those that every host has. */
export function ownAddressSet(assigned: readonly Uint8Array[]): AddressSet {
  return createAddressSet([...assigned, ...parsed(alwaysOwn)]);
}

/** The addresses of interfaces that are up and have a carrier: all that Node tells of. */
export function assignedAddresses(): Uint8Array[] {
  const entries = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return parsed(entries.map(({ address }) => address));
}

function parsed(addresses: readonly string[]): Uint8Array[] {
  return addresses.flatMap((address) => {
    const result = parseAddress(address.split("%")[0]!);
    return result.ok ? [result.value] : [];
  });
}
