/**
 * Classic BPF programs (linux/filter.h), for sockets (SO_ATTACH_FILTER, PACKET_FANOUT_DATA) and for seccomp: all
 * take a `struct sock_fprog { u16 length; struct sock_filter *filter; }` and copy the program before they return.
 */
import type { Libc, LibcResult } from "./libc.ts";

/** struct sock_filter. */
export interface FilterInstruction {
  readonly code: number;
  /** Instructions to skip where a comparison holds, and where it does not; 0 if absent. */
  readonly jumpTrue?: number;
  readonly jumpFalse?: number;
  /** A signed or unsigned number of 32 bits. */
  readonly operand: number;
}

const returnConstant = 0x06;
const programBytes = 16;
const instructionBytes = 8;

/** Runs `use` with the structure that names the program. */
export function withFilter(
  libc: Libc,
  instructions: readonly FilterInstruction[],
  use: (program: Uint8Array) => LibcResult<number>,
): LibcResult<number> {
  // The instructions lie behind the structure in one buffer, which the call itself keeps referenced.
  const buffer = new Uint8Array(programBytes + instructions.length * instructionBytes);
  const view = new DataView(buffer.buffer);
  view.setUint16(0, instructions.length, true);
  view.setBigUint64(8, libc.addressOf(buffer) + BigInt(programBytes), true);
  for (const [index, { code, jumpTrue = 0, jumpFalse = 0, operand }] of instructions.entries()) {
    const at = programBytes + index * instructionBytes;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, jumpTrue);
    view.setUint8(at + 3, jumpFalse);
    view.setUint32(at + 4, operand, true);
  }
  return use(buffer.subarray(0, programBytes));
}

/** Runs `use` with a program that returns `value` for every packet or system call. */
export function withConstantFilter(
  libc: Libc,
  value: number,
  use: (program: Uint8Array) => LibcResult<number>,
): LibcResult<number> {
  return withFilter(libc, [{ code: returnConstant, operand: value }], use);
}
