/**
 * Classic BPF programs of one instruction, for sockets (SO_ATTACH_FILTER) and for seccomp: both take a
 * `struct sock_fprog { u16 length; struct sock_filter *filter; }` and copy the program before they return.
 */
import type { Libc, LibcResult } from "./libc.ts";

const returnConstant = 0x06;
const programBytes = 16;
const instructionBytes = 8;

/** Runs `use` with a program that returns `value` for every packet or system call. */
export function withConstantFilter(
  libc: Libc,
  value: number,
  use: (program: Uint8Array) => LibcResult<number>,
): LibcResult<number> {
  // The instruction lies behind the structure in one buffer, which the call itself keeps referenced.
  const program = new Uint8Array(programBytes + instructionBytes);
  const view = new DataView(program.buffer);
  view.setUint16(0, 1, true);
  view.setBigUint64(8, libc.addressOf(program) + BigInt(programBytes), true);
  view.setUint16(programBytes, returnConstant, true);
  view.setUint32(programBytes + 4, value, true);
  return use(program);
}
