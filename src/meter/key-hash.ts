/**
 * The hash of a flow key, which strangers must not be able to aim.
 *
 * Hashes of the murmur kind collide for chosen keys whatever their seed. This one is multilinear (Carter and
 * Wegman; D. Lemire and O. Kaser, "Strongly universal string hashing is fast", 2014): each 32-bit word of
 * the key is multiplied by a secret 64-bit coefficient, the upper halves of the products are added up. Who
 * does not know the coefficients cannot do better than chance at making two keys collide. The upper half of
 * a 32 × 64-bit product is taken as imul(high, word) + floor(word × low / 2^32), whose second term is a
 * double multiplication. A bijective finish (that of murmur3) scatters runs of neighbouring keys, which a
 * linear hash keeps in line.
 */

/** Source, destination, ports, and the two words of what else is in the key. */
export const keyWordsMax = 11;

export interface KeyHash {
  readonly high: Int32Array<ArrayBuffer>;
  /** Low half of each coefficient, divided by 2^32. */
  readonly low: Float64Array<ArrayBuffer>;
}

/** Coefficients from `seed` if given (for tests that repeat), from the system's randomness otherwise. */
export function createKeyHash(seed?: number): KeyHash {
  const words = new Uint32Array(keyWordsMax * 2);
  if (seed === undefined) crypto.getRandomValues(words);
  else fillFromSeed(words, seed);
  const high = new Int32Array(keyWordsMax);
  const low = new Float64Array(keyWordsMax);
  for (let index = 0; index < keyWordsMax; index++) {
    high[index] = words[index * 2]!;
    low[index] = words[index * 2 + 1]! / 2 ** 32;
  }
  return { high, low };
}

/** Splitmix32: enough for repeatable tests; a server passes no seed. */
function fillFromSeed(words: Uint32Array, seed: number): void {
  let state = seed | 0;
  for (let index = 0; index < words.length; index++) {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    words[index] = mixed ^ (mixed >>> 15);
  }
}

/** The hash of an IPv4 key: five unsigned words. A signed 32-bit number. */
export function hashIpv4Key(
  { high, low }: KeyHash,
  source: number,
  destination: number,
  ports: number,
  traits: number,
  interfaceIndex: number,
): number {
  return finish(
    (Math.imul(high[0]!, source) +
      ((source * low[0]!) | 0) +
      Math.imul(high[1]!, destination) +
      ((destination * low[1]!) | 0) +
      Math.imul(high[2]!, ports) +
      ((ports * low[2]!) | 0) +
      Math.imul(high[3]!, traits) +
      ((traits * low[3]!) | 0) +
      Math.imul(high[4]!, interfaceIndex) +
      ((interfaceIndex * low[4]!) | 0)) |
      0,
  );
}

/** The hash of an IPv6 key: the eight address words at `at`, and the same three as IPv4. */
export function hashIpv6Key(
  { high, low }: KeyHash,
  addresses: Uint32Array,
  at: number,
  ports: number,
  traits: number,
  interfaceIndex: number,
): number {
  let sum =
    (Math.imul(high[8]!, ports) +
      ((ports * low[8]!) | 0) +
      Math.imul(high[9]!, traits) +
      ((traits * low[9]!) | 0) +
      Math.imul(high[10]!, interfaceIndex) +
      ((interfaceIndex * low[10]!) | 0)) |
    0;
  for (let index = 0; index < 8; index++) {
    const word = addresses[at + index]!;
    sum = (sum + Math.imul(high[index]!, word) + ((word * low[index]!) | 0)) | 0;
  }
  return finish(sum);
}

function finish(sum: number): number {
  let mixed = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
