/**
 * Datagrams to one collector over a connected UDP socket.
 *
 * Connected, because only then does the kernel report what the collector's host answered (ICMP port
 * unreachable as ECONNREFUSED). The report comes with a later call than the datagram it is about, and that
 * later datagram is not sent: it is tried once more. After an error datagrams go one at a time, so that
 * one that is tried again is not overtaken; otherwise a group goes at once.
 */
import { createSocket, type Socket } from "node:dgram";

import { fail, isIpv4Mapped, ok, parseAddress, type Result } from "../../base/mod.ts";
import type { ExportDatagram } from "../../wire/export/mod.ts";
import { keepPace, type Pace } from "./pace.ts";

export interface UdpSenderOptions {
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** The collector's, shared by all who send to it; undefined where nothing holds back. */
  readonly pace: Pace | undefined;
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

/** At most this many datagrams go at once: 22,400 bytes. */
export const sendGroupMax = 16;
/** A send that the kernel has not taken after this time is given up, and the socket with it. */
const sendTimeoutMs = 5000;

interface SenderState {
  readonly options: UdpSenderOptions;
  readonly type: "udp4" | "udp6";
  socket: Socket | undefined;
  opening: Promise<Result<void>> | undefined;
  /** One datagram at a time, since the last group met an error. */
  cautious: boolean;
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
    type: isIpv4Mapped(address.value) ? "udp4" : "udp6",
    socket: undefined,
    opening: undefined,
    cautious: false,
    errors: 0,
    lastError: undefined,
  };
  return ok({
    open: () => open(state),
    send: (datagrams, count, notSent) => sendPaced(state, datagrams.slice(0, count), notSent),
    close: () => close(state),
    errors: () => state.errors,
    lastError: () => state.lastError,
    local: () => (state.socket === undefined ? undefined : state.socket.address()),
  });
}

async function sendPaced(
  state: SenderState,
  datagrams: readonly ExportDatagram[],
  notSent: (datagram: ExportDatagram) => void,
): Promise<void> {
  let from = 0;
  while (from < datagrams.length) {
    const group = datagrams.slice(from, from + (state.cautious ? 1 : sendGroupMax));
    await keepPaceOf(state.options, group);
    const errorsBefore = state.errors;
    const watchdog = setInterval(() => abandon(state), sendTimeoutMs);
    const sent = await Promise.all(group.map((datagram) => sendTwice(state, datagram)));
    clearInterval(watchdog);
    for (const [index, datagram] of group.entries()) if (!sent[index]) notSent(datagram);
    state.cautious = state.errors > errorsBefore;
    from += group.length;
  }
}

async function keepPaceOf({ pace }: UdpSenderOptions, group: readonly ExportDatagram[]): Promise<void> {
  if (pace === undefined) return;
  const bytes = group.reduce((sum, datagram) => sum + datagram.length, 0);
  await keepPace(pace, group.length, bytes);
}

async function sendTwice(state: SenderState, datagram: ExportDatagram): Promise<boolean> {
  for (let attempt = 0; attempt < 2; attempt++) {
    if (state.socket === undefined && !(await open(state)).ok) continue;
    const error = await sendOnce(state.socket!, datagram);
    if (error === null) return true;
    noteError(state, error);
  }
  return false;
}

function sendOnce(socket: Socket, datagram: ExportDatagram): Promise<Error | null> {
  const { promise, resolve } = Promise.withResolvers<Error | null>();
  try {
    socket.send(datagram.bytes, 0, datagram.length, resolve);
  } catch (error) {
    resolve(error as Error);
  }
  return promise;
}

function open(state: SenderState): Promise<Result<void>> {
  if (state.socket !== undefined) return Promise.resolve(ok(undefined));
  state.opening ??= connect(state).finally(() => (state.opening = undefined));
  return state.opening;
}

async function connect(state: SenderState): Promise<Result<void>> {
  const { address, port } = state.options;
  const socket = createSocket(state.type);
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  socket.on("error", (error) => {
    noteError(state, error);
    resolve(error);
  });
  // Without a callback: one would be told of a failure in the error event's stead.
  socket.once("connect", () => resolve(undefined));
  try {
    socket.connect(port, address);
  } catch (error) {
    noteError(state, error as Error);
    resolve(error as Error);
  }
  const error = await promise;
  if (error === undefined) {
    state.socket = socket;
    return ok(undefined);
  }
  socket.close();
  return fail("SendFailed", `cannot send to ${address} port ${port}: ${error.message}`, {
    value: address,
    retryable: true,
    cause: error,
  });
}

/** Gives up the sends under way: closing the socket ends them with an error, the next one opens another. */
function abandon(state: SenderState): void {
  noteError(state, new Error("the kernel did not take a datagram in time"));
  state.socket?.close();
  state.socket = undefined;
}

function close(state: SenderState): Promise<void> {
  const { socket } = state;
  state.socket = undefined;
  if (socket === undefined) return Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.close(resolve);
  return promise;
}

function noteError(state: SenderState, error: Error): void {
  state.errors++;
  state.cautious = true;
  state.lastError = error.message;
}
