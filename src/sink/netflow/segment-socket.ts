/**
 * A UDP socket that sends many datagrams with one system call: the kernel takes them as one piece with the
 * length of each (UDP_SEGMENT, Linux 4.18), and cuts the piece on its way out, or has the network card cut it.
 * All but the last must be equally long, as full export datagrams of one template are.
 */
import { setTimeout } from "node:timers/promises";

import { addressBytes, formatAddress, mappedFromIpv4 } from "../../base/mod.ts";
import { errnos, type Libc, type LibcError, type LibcResult } from "../../libc/mod.ts";
import type { ExportDatagram } from "../../wire/export/mod.ts";
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
/** struct msghdr of a 64-bit system, then the control message with the length, then a struct iovec a datagram. */
const messageAt = { vector: 16, vectors: 24, control: 32, controlBytes: 40, segment: 56, iovec: 80 } as const;
const iovecBytes = 16;
const messageBytes = messageAt.iovec + segmentsMax * iovecBytes;
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
  /** The kernel gives the number of a closed descriptor to the next that is opened, whoever opens it. */
  let isClosed = false;
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
        if (isClosed)
          return { sent: 0, error: new Error("the socket was closed before the kernel took a datagram") };
        const sent = send(datagrams, from, end);
        if (sent.ok) return { sent: sent.value };
        if (sent.error.errno !== errnos.EAGAIN) return { sent: 0, error: errorOf(sent.error) };
        if (performance.now() > givenUpMs) return notTakenInTime();
        await setTimeout(fullRetryMs);
      }
    },
    close: () => {
      if (!isClosed) libc.close(descriptor);
      isClosed = true;
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

/** A `struct msghdr` and what it points to; the datagrams themselves are their caller's, who holds them. */
interface Message {
  readonly libc: Libc;
  readonly header: DataView<ArrayBuffer>;
  /** Where the bytes of datagrams are: they are filled again and again, and do not move. */
  readonly addresses: WeakMap<ExportDatagram, bigint>;
}

function createMessage(libc: Libc): Message {
  const header = new DataView(new ArrayBuffer(messageBytes));
  const address = libc.addressOf(header);
  header.setBigUint64(messageAt.vector, address + BigInt(messageAt.iovec), true);
  header.setBigUint64(messageAt.control, address + BigInt(messageAt.segment), true);
  header.setBigUint64(messageAt.segment, BigInt(controlHeaderBytes + 2), true);
  header.setInt32(messageAt.segment + 8, levelUdp, true);
  header.setInt32(messageAt.segment + 12, optionSegment, true);
  return { libc, header, addresses: new WeakMap() };
}

/** The kernel takes the bytes from where they are; counts and lengths are below 2^32, and the upper half stays 0. */
function fillMessage(
  message: Message,
  datagrams: readonly ExportDatagram[],
  from: number,
  count: number,
): void {
  const { header } = message;
  for (let index = 0; index < count; index++) {
    const datagram = datagrams[from + index]!;
    const at = messageAt.iovec + index * iovecBytes;
    header.setBigUint64(at, addressOf(message, datagram), true);
    header.setUint32(at + 8, datagram.length, true);
  }
  header.setUint32(messageAt.vectors, count, true);
  header.setUint32(messageAt.controlBytes, count > 1 ? controlBytes : 0, true);
  header.setUint16(messageAt.segment + controlHeaderBytes, datagrams[from]!.length, true);
}

function addressOf({ libc, addresses }: Message, datagram: ExportDatagram): bigint {
  let address = addresses.get(datagram);
  if (address === undefined) {
    address = libc.addressOf(datagram.bytes);
    addresses.set(datagram, address);
  }
  return address;
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
