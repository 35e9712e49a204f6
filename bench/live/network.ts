/** The sender's and the readers' network namespaces, joined by a veth pair; nothing else is in them. */
import { execFileSync } from "node:child_process";

import { createNamespace, joinNamespaces, type Namespace } from "../../test/support/netns.ts";

export const senderInterface = "out0";
export const receiverInterface = "in0";

export interface LiveNetwork {
  readonly sender: Namespace;
  readonly receiver: Namespace;
  /** The command that starts another within a namespace on a CPU. */
  within(namespace: Namespace, cpu: number): string[];
  /** Packets that arrived at the receiver's interface since it was made. */
  received(): number;
  /** Kills whatever runs in the namespaces and removes them. */
  remove(): void;
}

export function createLiveNetwork(): LiveNetwork {
  const made: Namespace[] = [];
  const make = (label: string): Namespace => {
    const namespace = createNamespace(label, { ipv6: false });
    made.push(namespace);
    return namespace;
  };
  const remove = (): void => {
    for (const namespace of made.splice(0)) {
      for (const id of processesIn(namespace)) kill(id);
      namespace.remove();
    }
  };
  try {
    const sender = make("live-sender");
    const receiver = make("live-receiver");
    joinNamespaces(
      { namespace: sender, interfaceName: senderInterface, addresses: [] },
      { namespace: receiver, interfaceName: receiverInterface, addresses: [] },
    );
    return {
      sender,
      receiver,
      within: ({ name }, cpu) => ["ip", "netns", "exec", name, "taskset", "-c", `${cpu}`],
      received: () => receivedBy(receiver),
      remove,
    };
  } catch (error) {
    remove();
    throw error;
  }
}

function processesIn({ name }: Namespace): number[] {
  const listed = execFileSync("ip", ["netns", "pids", name], { encoding: "utf8" });
  return listed.split("\n").filter(Boolean).map(Number);
}

function kill(id: number): void {
  try {
    process.kill(id, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

/** IPv6 is off and there are no addresses: every packet is the sender's. */
function receivedBy(receiver: Namespace): number {
  const shown = receiver.ip("-j", "-s", "link", "show", "dev", receiverInterface);
  return (JSON.parse(shown) as { stats64: { rx: { packets: number } } }[])[0]!.stats64.rx.packets;
}
