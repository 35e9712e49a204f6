/** The socket of one collector, and the one that Node brings. */
import { createSocket } from "node:dgram";

import type { ExportDatagram } from "../../wire/export/mod.ts";

/**
 * A connected UDP socket. Connected, because only then does the kernel report what the collector's host
 * answered (ICMP port unreachable as ECONNREFUSED).
 */
export interface DatagramSocket {
  /** Sends datagrams from `from` on, `end` excluded, as many as go with one call. Never rejects. */
  send(datagrams: readonly ExportDatagram[], from: number, end: number): Promise<SendOutcome>;
  /** What the socket is for is over, whatever is under way. */
  close(): Promise<void>;
  local(): { readonly address: string; readonly port: number };
}

/** How many datagrams the kernel took; at least one if there is no error. */
export interface SendOutcome {
  readonly sent: number;
  readonly error?: Error;
  /** The socket is of no use any more. */
  readonly isBroken?: boolean;
}

/** A send that the kernel has not taken after this time is given up. */
export const sendTimeoutMs = 5000;

/** A socket of node:dgram, which sends one datagram a call. */
export async function openNodeSocket(
  type: "udp4" | "udp6",
  address: string,
  port: number,
  onError: (error: Error) => void,
): Promise<DatagramSocket | Error> {
  const socket = createSocket(type);
  const { promise, resolve } = Promise.withResolvers<Error | undefined>();
  socket.on("error", (error) => {
    onError(error);
    resolve(error);
  });
  // Without a callback: one would be told of a failure in the error event's stead.
  socket.once("connect", () => resolve(undefined));
  try {
    socket.connect(port, address);
  } catch (error) {
    onError(error as Error);
    resolve(error as Error);
  }
  const refused = await promise;
  if (refused !== undefined) {
    socket.close();
    return refused;
  }
  return {
    send: async (datagrams, from) => {
      const { promise: sent, resolve: settle } = Promise.withResolvers<SendOutcome>();
      const watchdog = setTimeout(() => settle({ ...notTakenInTime(), isBroken: true }), sendTimeoutMs);
      const { bytes, length } = datagrams[from]!;
      try {
        socket.send(bytes, 0, length, (failed) =>
          settle(failed === null ? taken : { sent: 0, error: failed }),
        );
      } catch (thrown) {
        settle({ sent: 0, error: thrown as Error });
      }
      const outcome = await sent;
      clearTimeout(watchdog);
      return outcome;
    },
    close: () => new Promise((resolveClosed) => void socket.close(resolveClosed)),
    local: () => socket.address(),
  };
}

const taken: SendOutcome = { sent: 1 };

export function notTakenInTime(): SendOutcome {
  return { sent: 0, error: new Error("the kernel did not take a datagram in time") };
}
