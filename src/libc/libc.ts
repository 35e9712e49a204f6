/**
 * The calls of the C library that Weir needs, through node:ffi, typed.
 *
 * A buffer that is passed to a call is only read or written during that call, with two exceptions that
 * their callers answer for: the ring's memory, which `mmap` makes and nobody collects, and the program
 * that a socket filter copies before `setsockopt` returns. A call that a signal interrupted (EINTR) is
 * made again. Nothing here throws.
 */
import type * as Ffi from "node:ffi";

import { addressBytes, fail, mappedFromIpv4, ok, type Result } from "../base/mod.ts";
import { errnoName, errnos } from "./errno.ts";

const signatures = {
  socket: { arguments: ["i32", "i32", "i32"], return: "i32" },
  bind: { arguments: ["i32", "pointer", "u32"], return: "i32" },
  connect: { arguments: ["i32", "pointer", "u32"], return: "i32" },
  getsockname: { arguments: ["i32", "pointer", "pointer"], return: "i32" },
  sendmsg: { arguments: ["i32", "pointer", "i32"], return: "i64" },
  setsockopt: { arguments: ["i32", "i32", "i32", "pointer", "u32"], return: "i32" },
  getsockopt: { arguments: ["i32", "i32", "i32", "pointer", "pointer"], return: "i32" },
  mmap: { arguments: ["u64", "u64", "i32", "i32", "i32", "i64"], return: "i64" },
  munmap: { arguments: ["u64", "u64"], return: "i32" },
  poll: { arguments: ["pointer", "u64", "i32"], return: "i32" },
  send: { arguments: ["i32", "pointer", "u64", "i32"], return: "i64" },
  recv: { arguments: ["i32", "pointer", "u64", "i32"], return: "i64" },
  close: { arguments: ["i32"], return: "i32" },
  prctl: { arguments: ["i32", "u64", "u64", "u64", "u64"], return: "i32" },
  setgroups: { arguments: ["u64", "pointer"], return: "i32" },
  setresgid: { arguments: ["u32", "u32", "u32"], return: "i32" },
  setresuid: { arguments: ["u32", "u32", "u32"], return: "i32" },
  capset: { arguments: ["pointer", "pointer"], return: "i32" },
  syscall: { arguments: ["i64", "i64", "i64", "pointer"], return: "i64" },
  getifaddrs: { arguments: ["pointer"], return: "i32" },
  freeifaddrs: { arguments: ["pointer"], return: "void" },
  __errno_location: { arguments: [], return: "pointer" },
} as const;

export interface LibcError {
  readonly call: string;
  readonly errno: number;
  /** The symbolic name, such as EPERM; `errno 999` for one that is not in the table. */
  readonly name: string;
}

export type LibcResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: LibcError };

export interface Libc {
  socket(family: number, type: number, protocol: number): LibcResult<number>;
  bind(descriptor: number, address: Uint8Array): LibcResult<number>;
  connect(descriptor: number, address: Uint8Array): LibcResult<number>;
  /** Fills `address`, which has room for the socket's own. */
  getsockname(descriptor: number, address: Uint8Array): LibcResult<number>;
  /** Sends what the `struct msghdr` names, which must stay referenced during the call; the octets taken. */
  sendmsg(descriptor: number, message: NodeJS.ArrayBufferView, flags: number): LibcResult<number>;
  setsockopt(
    descriptor: number,
    level: number,
    option: number,
    value: NodeJS.ArrayBufferView,
  ): LibcResult<number>;
  /** Fills `value`; the kernel may write less than it holds. */
  getsockopt(
    descriptor: number,
    level: number,
    option: number,
    value: NodeJS.ArrayBufferView,
  ): LibcResult<number>;
  /** Maps `length` bytes of `descriptor` shared and writable; `unmap` must not be called while a view of it is in use. */
  mapShared(
    descriptor: number,
    length: number,
  ): LibcResult<{ readonly memory: ArrayBuffer; readonly unmap: () => void }>;
  /** Waits for events on the `struct pollfd` array for at most `timeoutMs`; 0 on a timeout or a signal. */
  poll(descriptors: PollDescriptors, timeoutMs: number): number;
  send(descriptor: number, bytes: Uint8Array): LibcResult<number>;
  /** Takes one datagram into `into` without waiting: EAGAIN when there is none, ENOBUFS when some were lost. */
  receive(descriptor: number, into: Uint8Array): LibcResult<number>;
  close(descriptor: number): LibcResult<number>;
  prctl(option: number, argument: bigint, second?: bigint): LibcResult<number>;
  setgroups(groups: readonly number[]): LibcResult<number>;
  setresgid(group: number): LibcResult<number>;
  setresuid(user: number): LibcResult<number>;
  capset(header: NodeJS.ArrayBufferView, data: NodeJS.ArrayBufferView): LibcResult<number>;
  seccomp(operation: number, flags: number, program: NodeJS.ArrayBufferView): LibcResult<number>;
  /** The IP addresses of every interface, down ones and those without carrier too, in the 16-byte form. */
  interfaceAddresses(): Uint8Array[];
  /** The address of `view`'s first byte. Valid only while `view` is referenced. */
  addressOf(view: NodeJS.ArrayBufferView): bigint;
}

/** An array of `struct pollfd`: descriptor, events, returned events; 8 bytes each. */
export interface PollDescriptors {
  readonly bytes: Int16Array<ArrayBuffer>;
  readonly count: bigint;
}

const seccompNumbers: Readonly<Record<string, bigint>> = { x64: 317n, arm64: 277n };
const seccompNumber = seccompNumbers[process.arch] ?? -1n;

/** The C library of this process; KernelFeatureMissing where Node has no FFI or the system is no Linux. */
export async function loadLibc(): Promise<Result<Libc>> {
  if (process.platform !== "linux") return missing(`this needs Linux, and the system is ${process.platform}`);
  try {
    return ok(bindLibc(await import("node:ffi")));
  } catch (error) {
    return missing("this Node has no working node:ffi", error);
  }
}

function missing(message: string, cause?: unknown): Result<never> {
  const remedy = "use the Node that ./weir brings, or set capture.method to tcpdump";
  return fail("KernelFeatureMissing", message, { remedy, cause });
}

function bindLibc(ffi: typeof Ffi): Libc {
  const native = ffi.dlopen(null, signatures).functions;
  const lastErrno = (): number => ffi.getInt32(native.__errno_location(), 0);
  const attempt = (call: string, run: () => number): LibcResult<number> => {
    for (;;) {
      const value = run();
      if (value >= 0) return { ok: true, value };
      const errno = lastErrno();
      if (errno !== errnos.EINTR) return { ok: false, error: { call, errno, name: errnoName(errno) } };
    }
  };
  return {
    socket: (family, type, protocol) => attempt("socket", () => native.socket(family, type, protocol)),
    bind: (descriptor, address) =>
      attempt("bind", () => native.bind(descriptor, address, address.byteLength)),
    connect: (descriptor, address) =>
      attempt("connect", () => native.connect(descriptor, address, address.byteLength)),
    getsockname: (descriptor, address) => {
      const length = Uint32Array.of(address.byteLength);
      return attempt("getsockname", () => native.getsockname(descriptor, address, length));
    },
    sendmsg: (descriptor, message, flags) =>
      attempt("sendmsg", () => Number(native.sendmsg(descriptor, message, flags))),
    setsockopt: (descriptor, level, option, value) =>
      attempt("setsockopt", () => native.setsockopt(descriptor, level, option, value, value.byteLength)),
    getsockopt: (descriptor, level, option, value) => {
      const length = Uint32Array.of(value.byteLength);
      return attempt("getsockopt", () => native.getsockopt(descriptor, level, option, value, length));
    },
    mapShared: (descriptor, length) => {
      const address = native.mmap(0n, BigInt(length), protReadWrite, mapSharedFlag, descriptor, 0n);
      if (address === -1n) {
        const errno = lastErrno();
        return { ok: false, error: { call: "mmap", errno, name: errnoName(errno) } };
      }
      const memory = ffi.toArrayBuffer(address, length, false);
      return { ok: true, value: { memory, unmap: () => void native.munmap(address, BigInt(length)) } };
    },
    // A signal counts as a timeout: the caller's loop polls again after it has looked at its timers.
    poll: (descriptors, timeoutMs) =>
      Math.max(0, native.poll(descriptors.bytes, descriptors.count, timeoutMs)),
    send: (descriptor, bytes) =>
      attempt("send", () => Number(native.send(descriptor, bytes, BigInt(bytes.byteLength), 0))),
    receive: (descriptor, into) =>
      attempt("recv", () => Number(native.recv(descriptor, into, BigInt(into.byteLength), messageDontWait))),
    close: (descriptor) => attempt("close", () => native.close(descriptor)),
    prctl: (option, argument, second = 0n) =>
      attempt("prctl", () => native.prctl(option, argument, second, 0n, 0n)),
    setgroups: (groups) =>
      attempt("setgroups", () => native.setgroups(BigInt(groups.length), Uint32Array.from([...groups, 0]))),
    setresgid: (group) => attempt("setresgid", () => native.setresgid(group, group, group)),
    setresuid: (user) => attempt("setresuid", () => native.setresuid(user, user, user)),
    capset: (header, data) => attempt("capset", () => native.capset(header, data)),
    seccomp: (operation, flags, program) =>
      attempt("seccomp", () =>
        Number(native.syscall(seccompNumber, BigInt(operation), BigInt(flags), program)),
      ),
    interfaceAddresses: () => readInterfaceAddresses(ffi, native),
    addressOf: (view) => ffi.getRawPointer(view),
  };
}

interface AddressCalls {
  readonly getifaddrs: (list: BigUint64Array) => number;
  readonly freeifaddrs: (list: bigint) => void;
}

/** struct ifaddrs of a 64-bit system: ifa_next at 0, ifa_addr (a struct sockaddr or null) at 24. */
function readInterfaceAddresses(ffi: typeof Ffi, calls: AddressCalls): Uint8Array[] {
  const list = new BigUint64Array(1);
  if (calls.getifaddrs(list) !== 0) return [];
  const addresses: Uint8Array[] = [];
  for (let entry = list[0]!; entry !== 0n; entry = ffi.getUint64(entry, 0)) {
    const socketAddress = ffi.getUint64(entry, 24);
    if (socketAddress === 0n) continue;
    const family = ffi.getUint16(socketAddress, 0);
    if (family === familyIpv4) addresses.push(mappedFromIpv4(ffi.toBuffer(socketAddress + 4n, 4)));
    if (family === familyIpv6) addresses.push(new Uint8Array(ffi.toBuffer(socketAddress + 8n, addressBytes)));
  }
  calls.freeifaddrs(list[0]!);
  return addresses;
}

const familyIpv4 = 2;
const familyIpv6 = 10;
const protReadWrite = 3;
const mapSharedFlag = 1;
const messageDontWait = 0x40;
