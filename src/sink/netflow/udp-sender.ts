/**
 * Datagrams to one collector over a connected UDP socket, in order.
 *
 * The report of a collector that is down comes with a later call than the datagram it is about, and that later
 * datagram is not sent: it is tried once more.
 */
import { fail, isIpv4Mapped, ok, parseAddress, type Result } from "../../base/mod.ts";
import { type Libc, loadLibc } from "../../libc/mod.ts";
import type { ExportDatagram } from "../../wire/export/mod.ts";
import { type DatagramSocket, openNodeSocket } from "./datagram-socket.ts";
import { keepPace, type Pace } from "./pace.ts";
import { openSegmentSocket } from "./segment-socket.ts";

export interface UdpSenderOptions {
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** The collector's, shared by all who send to it; undefined where nothing holds back. */
  readonly pace: Pace | undefined;
  /** The C library, where it was loaded already. Without one, datagrams go through node:dgram. */
  readonly libc?: Promise<Result<Libc>>;
}

export interface UdpSender {
  /** Opens the socket, if it is not open. Faults: `SendFailed`. */
  open(): Promise<Result<void>>;
  /** Sends the first `count` datagrams; those that could not be sent go to `notSent`. Never rejects. */
  send(
    datagrams: readonly ExportDatagram[],
    count: number,
    notSent: (datagram: ExportDatagram) => void,
  ): Promise<void>;
  close(): Promise<void>;
  /** Errors so far, those of datagrams that went out at the second attempt included. */
  errors(): number;
  lastError(): string | undefined;
  local(): { readonly address: string; readonly port: number } | undefined;
}

/** At most this many datagrams are waited for at once: 22,400 bytes. */
export const sendGroupMax = 16;
const attemptsMax = 2;

interface SenderState {
  readonly options: UdpSenderOptions;
  /** In the 16-byte form. */
  readonly address: Uint8Array;
  socket: DatagramSocket | undefined;
  opening: Promise<Result<void>> | undefined;
  errors: number;
  lastError: string | undefined;
}

/** Faults: `InputInvalid`, `InputOutOfRange`. No socket is opened yet. */
export function createUdpSender(options: UdpSenderOptions): Result<UdpSender> {
  const address = parseAddress(options.address);
  if (!address.ok) return address;
  if (!Number.isInteger(options.port) || options.port < 1 || options.port > 65535) {
    return fail("InputOutOfRange", "not a UDP port", {
      field: "port",
      value: `${options.port}`,
      allowed: "1 to 65535",
    });
  }
  const state: SenderState = {
    options,
    address: address.value,
    socket: undefined,
    opening: undefined,
    errors: 0,
    lastError: undefined,
  };
  return ok({
    open: () => open(state),
    send: (datagrams, count, notSent) => sendPaced(state, datagrams, count, notSent),
    close: () => close(state),
    errors: () => state.errors,
    lastError: () => state.lastError,
    local: () => state.socket?.local(),
  });
}

async function sendPaced(
  state: SenderState,
  datagrams: readonly ExportDatagram[],
  count: number,
  notSent: (datagram: ExportDatagram) => void,
): Promise<void> {
  const { pace } = state.options;
  for (let from = 0; from < count; from += sendGroupMax) {
    const end = Math.min(from + sendGroupMax, count);
    if (pace !== undefined) await keepPace(pace, end - from, bytesOf(datagrams, from, end));
    await sendGroup(state, datagrams, from, end, notSent);
  }
}

function bytesOf(datagrams: readonly ExportDatagram[], from: number, end: number): number {
  let bytes = 0;
  for (let index = from; index < end; index++) bytes += datagrams[index]!.length;
  return bytes;
}

/** One datagram after the other or, as long as there is no error, as many at once as the socket can. */
async function sendGroup(
  state: SenderState,
  datagrams: readonly ExportDatagram[],
  from: number,
  end: number,
  notSent: (datagram: ExportDatagram) => void,
): Promise<void> {
  let attempts = 0;
  for (let at = from; at < end;) {
    const sent = await sendSome(state, datagrams, at, attempts === 0 ? end : at + 1);
    if (sent > 0) {
      at += sent;
      attempts = 0;
    } else if (++attempts === attemptsMax) {
      notSent(datagrams[at]!);
      at++;
      attempts = 0;
    }
  }
}

async function sendSome(
  state: SenderState,
  datagrams: readonly ExportDatagram[],
  from: number,
  end: number,
): Promise<number> {
  if (state.socket === undefined && !(await open(state)).ok) return 0;
  const { sent, error, isBroken } = await state.socket!.send(datagrams, from, end);
  if (error !== undefined) noteError(state, error);
  if (isBroken === true) await close(state);
  return sent;
}

function open(state: SenderState): Promise<Result<void>> {
  if (state.socket !== undefined) return Promise.resolve(ok(undefined));
  state.opening ??= connect(state).finally(() => (state.opening = undefined));
  return state.opening;
}

async function connect(state: SenderState): Promise<Result<void>> {
  const { address, port } = state.options;
  const isIpv4 = isIpv4Mapped(state.address);
  const libc = await (state.options.libc ?? loadLibc());
  const socket = libc.ok
    ? openSegmentSocket(libc.value, state.address, isIpv4, port)
    : await openNodeSocket(isIpv4 ? "udp4" : "udp6", address, port, (error) => noteError(state, error));
  if (!(socket instanceof Error)) {
    state.socket = socket;
    return ok(undefined);
  }
  if (libc.ok) noteError(state, socket);
  return fail("SendFailed", `cannot send to ${address} port ${port}: ${socket.message}`, {
    value: address,
    retryable: true,
    cause: socket,
  });
}

async function close(state: SenderState): Promise<void> {
  const { socket } = state;
  state.socket = undefined;
  await socket?.close();
}

function noteError(state: SenderState, error: Error): void {
  state.errors++;
  state.lastError = error.message;
}
