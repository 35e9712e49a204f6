/**
 * Ports for the fragments that carry none.
 *
 * Only the first fragment of a datagram has the transport header (RFC 791 section 3.2, RFC 8200 section
 * 4.5); it is remembered here and the others take its protocol and ports. A fragment that arrives before
 * its first one is not held back: it is metered at once with ports 0 and counted in `unattributed`, for
 * holding packets would cost memory that a stranger decides on, and would delay what is known already.
 *
 * The table is set-associative: a datagram belongs to the eight slots of one set, where it replaces the
 * one that was remembered longest ago. So neither memory nor work depends on what arrives.
 */
import type { PacketColumns } from "./columns.ts";

const waysPerSet = 8;
const keyWords = 10;

export interface FragmentTable {
  readonly timeoutUs: number;
  readonly seed: number;
  readonly setMask: number;
  /** Source, destination, identification, protocol (IPv4 only: RFC 8200 leaves it out of the key). */
  readonly keys: Uint32Array<ArrayBuffer>;
  readonly ports: Uint32Array<ArrayBuffer>;
  readonly protocols: Uint8Array<ArrayBuffer>;
  /** When the first fragment was seen; -Infinity in a slot never used. */
  readonly rememberedUs: Float64Array<ArrayBuffer>;
  /** Later fragments whose first one was not known. */
  unattributed: number;
}

/** A table of at least `fragmentsMax` datagrams. */
export function createFragmentTable(fragmentsMax: number, timeoutUs: number, seed: number): FragmentTable {
  const sets = 2 ** Math.ceil(Math.log2(Math.max(1, fragmentsMax / waysPerSet)));
  const slots = sets * waysPerSet;
  return {
    timeoutUs,
    seed: seed | 0,
    setMask: sets - 1,
    keys: new Uint32Array(slots * keyWords),
    ports: new Uint32Array(slots),
    protocols: new Uint8Array(slots),
    rememberedUs: new Float64Array(slots).fill(-Infinity),
    unattributed: 0,
  };
}

/** Remembers the first fragment in `row` under its addresses, `identification` and `keyProtocol`. */
export function rememberFragment(
  table: FragmentTable,
  packets: PacketColumns,
  row: number,
  identification: number,
  keyProtocol: number,
): void {
  const set = setOf(table, packets.addresses, row * 8, identification, keyProtocol);
  let slot = set;
  for (let way = set; way < set + waysPerSet; way++) {
    if (matches(table, way, packets.addresses, row * 8, identification, keyProtocol)) {
      slot = way;
      break;
    }
    if (table.rememberedUs[way]! < table.rememberedUs[slot]!) slot = way;
  }
  const key = slot * keyWords;
  for (let word = 0; word < 8; word++) table.keys[key + word] = packets.addresses[row * 8 + word]!;
  table.keys[key + 8] = identification;
  table.keys[key + 9] = keyProtocol;
  table.ports[slot] = packets.ports[row]!;
  table.protocols[slot] = packets.protocol[row]!;
  table.rememberedUs[slot] = packets.timestampUs[row]!;
}

/** Gives the later fragment in `row` the protocol and ports of its first one, or counts that it is not known. */
export function attributeFragment(
  table: FragmentTable,
  packets: PacketColumns,
  row: number,
  identification: number,
  keyProtocol: number,
): void {
  const set = setOf(table, packets.addresses, row * 8, identification, keyProtocol);
  for (let way = set; way < set + waysPerSet; way++) {
    if (!matches(table, way, packets.addresses, row * 8, identification, keyProtocol)) continue;
    // Time may run backwards a little between interfaces, so only age makes an entry too old.
    if (!(packets.timestampUs[row]! - table.rememberedUs[way]! <= table.timeoutUs)) break;
    packets.ports[row] = table.ports[way]!;
    packets.protocol[row] = table.protocols[way]!;
    return;
  }
  table.unattributed++;
}

function setOf(
  table: FragmentTable,
  addresses: Uint32Array,
  base: number,
  identification: number,
  keyProtocol: number,
): number {
  let hash = table.seed ^ keyProtocol;
  for (let word = 0; word < 8; word++) hash = mix(hash ^ addresses[base + word]!);
  return (mix(hash ^ identification) & table.setMask) * waysPerSet;
}

function mix(value: number): number {
  const folded = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  return Math.imul(folded ^ (folded >>> 13), 0xc2b2ae35);
}

function matches(
  table: FragmentTable,
  slot: number,
  addresses: Uint32Array,
  base: number,
  identification: number,
  keyProtocol: number,
): boolean {
  const key = slot * keyWords;
  if (table.keys[key + 8] !== identification || table.keys[key + 9] !== keyProtocol) return false;
  for (let word = 0; word < 8; word++) {
    if (table.keys[key + word] !== addresses[base + word]) return false;
  }
  return true;
}
