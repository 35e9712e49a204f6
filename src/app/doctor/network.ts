/** Addresses: the API's port, a collector's reachability, names of projects, and socket buffers. */
import { createSocket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { createServer, isIP } from "node:net";

import type { Endpoint } from "../config/mod.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import { readText } from "./platform.ts";

export function checkPort({ host, port }: Endpoint, isServing: boolean): Promise<Check> {
  const name = "port";
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (isServing && error.code === "EADDRINUSE") {
        resolve(passed(name, `${address} is taken, as it is while Weir runs`));
        return;
      }
      const reason =
        error.code === "EADDRINUSE" ? "is taken by another program" : `cannot be listened on (${error.code})`;
      resolve(failed(name, `${address} ${reason}`, "choose another with --listen HOST:PORT"));
    });
    server.listen({ host, port }, () => server.close(() => resolve(passed(name, `${address} is free`))));
  });
}

/** UDP tells no more than whether there is a route, and whether the host refuses at once. */
export async function checkCollector({ host, port }: Endpoint): Promise<Check> {
  const name = "collector";
  if (isIP(host) === 0) {
    return failed(name, `${host} is not an IP address`, "name the collector by its address, as flow logs do");
  }
  return new Promise((resolve) => {
    const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
    const end = (check: Check): void => {
      socket.close();
      resolve(check);
    };
    socket.once("error", (error: NodeJS.ErrnoException) =>
      end(
        failed(
          name,
          `${host}:${port} cannot be sent to (${error.code})`,
          "see ip route get for that address",
        ),
      ),
    );
    // Not as the callback of connect(): that one is called on failure too, instead of the event above.
    socket.once("connect", () => {
      const from = socket.address().address;
      end(
        passed(
          name,
          `datagrams to ${host}:${port} leave from ${from}; UDP does not tell whether they arrive`,
        ),
      );
    });
    socket.connect(port, host);
  });
}

/**
 * Alibaba's log SDKs dial <project>.<endpoint>, so that such a name must lead to this host. With `project`
 * that very name is tried, otherwise a made-up one, which resolves where there is a wildcard.
 */
export async function checkProjectNames(baseDomains: readonly string[], project?: string): Promise<Check> {
  const name = "project names";
  for (const domain of baseDomains) {
    const host = `${project ?? "weir-doctor"}.${domain}`;
    const found = await lookup(host).catch(() => undefined);
    if (found !== undefined) {
      return passed(
        name,
        `${project ?? "<project>"}.${domain} leads to ${found.address}, for the SDK @alicloud/log`,
      );
    }
  }
  const host = `${project ?? "PROJECT"}.${baseDomains[0] ?? "localhost"}`;
  return warned(
    name,
    `${host} leads nowhere, and the SDK @alicloud/log dials it; all else works without`,
    `echo '127.0.0.1 ${host}' | sudo tee -a /etc/hosts  (docs/how-to/read-with-alicloud-log.md)`,
  );
}

export function checkBuffers(): Check {
  const name = "socket buffers";
  const [receive, send] = ["rmem_default", "wmem_default"].map((file) =>
    Number(readText(`/proc/sys/net/core/${file}`)),
  );
  const text = `default receive ${receive} and send ${send} octets`;
  // A datagram of NetFlow is 1,400 octets, which the kernel counts as about 2,300.
  if ((send ?? 0) >= 65_536) return passed(name, text);
  return warned(name, `${text}: bursts of NetFlow may be cut`, "sudo sysctl -w net.core.wmem_default=212992");
}
