/** A set of 64-bit digests in flat memory: 8 bytes a slot, where a Map would take a hundred. */

export interface DigestSet {
  readonly size: number;
  has(high: number, low: number): boolean;
  /** False if the digest was there already. */
  add(high: number, low: number): boolean;
  /** Adds every digest of the set to another. */
  copyTo(other: DigestSet): void;
}

const initialSlots = 1024;

/** Open addressing with linear probing; digests are uniform, so their low bits are the hash. */
export function createDigestSet(): DigestSet {
  let slots = new Uint32Array(initialSlots * 2);
  let size = 0;
  return {
    get size() {
      return size;
    },
    has: (high, low) => slots[slotOf(slots, high, low || 1)] !== 0,
    add: (high, low) => {
      // A low word of 0 marks an empty slot; the digest that has it shares the place of 1.
      const stored = low || 1;
      const slot = slotOf(slots, high, stored);
      if (slots[slot] !== 0) return false;
      slots[slot] = stored;
      slots[slot + 1] = high;
      size++;
      if (size * 10 > slots.length * 3) slots = grown(slots);
      return true;
    },
    copyTo: (other) => {
      for (let slot = 0; slot < slots.length; slot += 2) {
        if (slots[slot] !== 0) other.add(slots[slot + 1]!, slots[slot]!);
      }
    },
  };
}

/** The index of the digest's slot, or of the empty one where it belongs. */
function slotOf(slots: Uint32Array, high: number, low: number): number {
  const mask = slots.length - 1;
  let slot = (low * 2) & mask;
  while (slots[slot] !== 0 && (slots[slot] !== low || slots[slot + 1] !== high)) slot = (slot + 2) & mask;
  return slot;
}

function grown(slots: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(slots.length * 2);
  for (let index = 0; index < slots.length; index += 2) {
    const low = slots[index]!;
    if (low === 0) continue;
    const slot = slotOf(larger, slots[index + 1]!, low);
    larger[slot] = low;
    larger[slot + 1] = slots[index + 1]!;
  }
  return larger;
}
