/**
 * A UDP socket that sends many datagrams with one system call: the kernel is given them in one piece with the
 * length of each (UDP_SEGMENT, Linux 4.18), and cuts the piece on its way out, or has the network card cut it.
 * All but the last must be equally long, as full export datagrams of one template are.
 */
import { setTimeout } from "node:timers/promises";

import { addressBytes, formatAddress, mappedFromIpv4 } from "../../base/mod.ts";
import { errnos, type Libc, type LibcError, type LibcResult } from "../../libc/mod.ts";
import { datagramBytesMax, type ExportDatagram } from "../../wire/export/mod.ts";
import { type DatagramSocket, notTakenInTime, sendTimeoutMs } from "./datagram-socket.ts";

/** Datagrams that go with one call at most. The kernel takes 64, and no more than 65,507 octets. */
export const segmentsMax = 32;

const familyIpv4 = 2;
const familyIpv6 = 10;
/** SOCK_DGRAM, SOCK_CLOEXEC, SOCK_NONBLOCK. */
const datagramSocket = 2 | 0x80000 | 0x800;
const levelUdp = 17;
const optionSegment = 103;
const ipv4SocketBytes = 16;
const ipv6SocketBytes = 28;
/** struct msghdr of a 64-bit system, then its struct iovec, then the control message with the length. */
const messageAt = { vector: 16, vectors: 24, control: 32, controlBytes: 40, iovec: 56, segment: 72 } as const;
const messageBytes = 96;
const controlBytes = 24;
const controlHeaderBytes = 16;
/** How soon a full send buffer is tried again. */
const fullRetryMs = 1;
/**
 * What says that segments cannot be cut for this path, and not that it is down: a device without checksums, a
 * datagram longer than the path's MTU, a kernel that does not know the option.
 */
const segmentErrors = [errnos.EIO, errnos.EINVAL, errnos.EMSGSIZE, errnos.EOPNOTSUPP, errnos.ENOPROTOOPT];

/** Connects to an address of the 16-byte form. */
export function openSegmentSocket(
  libc: Libc,
  address: Uint8Array,
  isIpv4: boolean,
  port: number,
): DatagramSocket | Error {
  const opened = libc.socket(isIpv4 ? familyIpv4 : familyIpv6, datagramSocket, 0);
  if (!opened.ok) return errorOf(opened.error);
  const descriptor = opened.value;
  const connected = libc.connect(descriptor, socketAddress(address, isIpv4, port));
  if (!connected.ok) {
    libc.close(descriptor);
    return errorOf(connected.error);
  }
  const local = localAddress(libc, descriptor, isIpv4);
  const message = createMessage(libc);
  let atOnce = segmentsMax;
  const sendRun = (datagrams: readonly ExportDatagram[], from: number, count: number): LibcResult<number> => {
    fillMessage(message, datagrams, from, count);
    const sent = libc.sendmsg(descriptor, message.header, 0);
    return sent.ok ? { ok: true, value: count } : sent;
  };
  const send = (datagrams: readonly ExportDatagram[], from: number, end: number): LibcResult<number> => {
    const count = runOf(datagrams, from, Math.min(end, from + atOnce));
    const sent = sendRun(datagrams, from, count);
    if (sent.ok || count === 1 || !segmentErrors.includes(sent.error.errno)) return sent;
    atOnce = 1;
    return sendRun(datagrams, from, 1);
  };
  return {
    send: async (datagrams, from, end) => {
      const givenUpMs = performance.now() + sendTimeoutMs;
      for (;;) {
        const sent = send(datagrams, from, end);
        if (sent.ok) return { sent: sent.value };
        if (sent.error.errno !== errnos.EAGAIN) return { sent: 0, error: errorOf(sent.error) };
        if (performance.now() > givenUpMs) return notTakenInTime();
        await setTimeout(fullRetryMs);
      }
    },
    close: () => {
      libc.close(descriptor);
      return Promise.resolve();
    },
    local: () => local,
  };
}

/** As Node words its own: `sendmsg ECONNREFUSED`. */
function errorOf({ call, name }: LibcError): Error {
  return new Error(`${call} ${name}`);
}

/** How many datagrams from `from` on can go together: equally long, and one that is shorter at the end. */
function runOf(datagrams: readonly ExportDatagram[], from: number, end: number): number {
  const { length } = datagrams[from]!;
  let to = from + 1;
  while (to < end && datagrams[to]!.length === length) to++;
  if (to < end && datagrams[to]!.length < length) to++;
  return to - from;
}

/** A `struct msghdr` and all that it points to, which stays referenced as long as it is. */
interface Message {
  readonly header: DataView<ArrayBuffer>;
  readonly payload: Uint8Array<ArrayBuffer>;
}

function createMessage(libc: Libc): Message {
  const payload = new Uint8Array(segmentsMax * datagramBytesMax);
  const header = new DataView(new ArrayBuffer(messageBytes));
  const address = libc.addressOf(header);
  header.setBigUint64(messageAt.vector, address + BigInt(messageAt.iovec), true);
  header.setBigUint64(messageAt.vectors, 1n, true);
  header.setBigUint64(messageAt.control, address + BigInt(messageAt.segment), true);
  header.setBigUint64(messageAt.iovec, libc.addressOf(payload), true);
  header.setBigUint64(messageAt.segment, BigInt(controlHeaderBytes + 2), true);
  header.setInt32(messageAt.segment + 8, levelUdp, true);
  header.setInt32(messageAt.segment + 12, optionSegment, true);
  return { header, payload };
}

function fillMessage(
  { header, payload }: Message,
  datagrams: readonly ExportDatagram[],
  from: number,
  count: number,
): void {
  let bytes = 0;
  for (let index = from; index < from + count; index++) {
    const datagram = datagrams[index]!;
    payload.set(datagram.bytes.subarray(0, datagram.length), bytes);
    bytes += datagram.length;
  }
  // Lengths below 2^32, in the lower half of their 64 bits; the upper half stays 0.
  header.setUint32(messageAt.iovec + 8, bytes, true);
  header.setUint32(messageAt.controlBytes, count > 1 ? controlBytes : 0, true);
  header.setUint16(messageAt.segment + controlHeaderBytes, datagrams[from]!.length, true);
}

/** struct sockaddr_in or sockaddr_in6. */
function socketAddress(address: Uint8Array, isIpv4: boolean, port: number): Uint8Array {
  const bytes = new Uint8Array(isIpv4 ? ipv4SocketBytes : ipv6SocketBytes);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv4 ? familyIpv4 : familyIpv6, true);
  view.setUint16(2, port);
  if (isIpv4) bytes.set(address.subarray(addressBytes - 4), 4);
  else bytes.set(address, 8);
  return bytes;
}

function localAddress(libc: Libc, descriptor: number, isIpv4: boolean): ReturnType<DatagramSocket["local"]> {
  const bytes = new Uint8Array(ipv6SocketBytes);
  libc.getsockname(descriptor, bytes);
  const address = isIpv4 ? mappedFromIpv4(bytes.subarray(4, 8)) : bytes.subarray(8, 8 + addressBytes);
  return { address: formatAddress(address), port: new DataView(bytes.buffer).getUint16(2) };
}
