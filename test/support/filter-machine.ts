/**
 * A machine for classic BPF programs, from the kernel's documentation (Documentation/networking/filter.rst) and
 * McCanne and Jacobson's paper; it has the instructions that Weir's programs have. What the kernel knows of a packet
 * besides its bytes is given.
 */
import type { FilterInstruction } from "../../src/libc/mod.ts";

export interface FilterPacket {
  /** From where the kernel's pointer to the data is. */
  readonly bytes: Uint8Array;
  /** Where the network header begins in `bytes`. */
  readonly networkOffset: number;
  readonly packetType: number;
  readonly protocol: number;
  readonly hardware: number;
}

export interface FilterRun {
  readonly returned: number;
  readonly steps: number;
}

/** Runs the program; a load beyond the packet ends it with 0, as in the kernel. */
export function runFilter(program: readonly FilterInstruction[], packet: FilterPacket): FilterRun {
  const cells = new Uint32Array(16);
  const view = new DataView(packet.bytes.buffer, packet.bytes.byteOffset, packet.bytes.byteLength);
  let a = 0;
  let x = 0;
  let steps = 0;
  for (let at = 0; ; at++) {
    const instruction = program[at];
    if (instruction === undefined) throw new Error(`the program runs beyond its end, to ${at}`);
    const { code, operand, jumpTrue = 0, jumpFalse = 0 } = instruction;
    steps++;
    const load = (offset: number, width: 2 | 4): boolean => {
      const loaded = loadFrom(packet, view, offset | 0, width);
      if (loaded !== undefined) a = loaded;
      return loaded !== undefined;
    };
    const end: FilterRun = { returned: 0, steps };
    if (code === 0x00) a = operand >>> 0;
    else if (code === 0x01) x = operand >>> 0;
    else if (code === 0x02) cells[operand] = a;
    else if (code === 0x04) a = (a + operand) >>> 0;
    else if (code === 0x05) at += operand;
    else if (code === 0x07) x = a;
    else if (code === 0x0c) a = (a + x) >>> 0;
    else if (code === 0x15) at += a === operand >>> 0 ? jumpTrue : jumpFalse;
    else if (code === 0x16) return { returned: a, steps };
    else if (code === 0x20 || code === 0x28) {
      if (!load(operand, code === 0x20 ? 4 : 2)) return end;
    } else if (code === 0x40 || code === 0x48) {
      if (!load(x + operand, code === 0x40 ? 4 : 2)) return end;
    } else if (code === 0x24) a = Math.imul(a, operand) >>> 0;
    else if (code === 0x60) a = cells[operand]!;
    else if (code === 0x61) x = cells[operand]!;
    else if (code === 0x74) a >>>= operand;
    else if (code === 0x87) a = x;
    else if (code === 0xac) a = (a ^ x) >>> 0;
    else throw new Error(`instruction 0x${code.toString(16)} is not known`);
  }
}

const ancillary = -0x1000;
const networkHeader = -0x100000;

function loadFrom(packet: FilterPacket, view: DataView, offset: number, width: 2 | 4): number | undefined {
  if (offset >= ancillary && offset < 0) {
    const known = { 0: packet.protocol, 4: packet.packetType, 28: packet.hardware }[offset - ancillary];
    if (known === undefined) throw new Error(`ancillary load ${offset - ancillary} is not known`);
    return known;
  }
  const at = offset < 0 ? offset - networkHeader + packet.networkOffset : offset;
  if (at < 0 || at + width > view.byteLength) return undefined;
  return width === 4 ? view.getUint32(at) : view.getUint16(at);
}
