/** What the connection of a request says about it, under the names that policies' conditions have for it. */
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

const mappedPrefix = "::ffff:";

/** `acs:SourceIp`, the peer's address (a proxy's, where one stands before), and `acs:SecureTransport`. */
export function networkConditions({ socket }: IncomingMessage): Readonly<Record<string, string>> {
  const address = socket.remoteAddress ?? "";
  // A listener for both families sees an IPv4 peer in the mapped form, which no policy is written in.
  const isMapped = address.startsWith(mappedPrefix) && address.includes(".");
  return {
    "acs:SourceIp": isMapped ? address.slice(mappedPrefix.length) : address,
    "acs:SecureTransport": String(socket instanceof TLSSocket),
  };
}
