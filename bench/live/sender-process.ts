/** The sender as a process of its own, on a CPU of its own. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import { macAddressOf } from "../../test/support/netns.ts";
import { type LiveNetwork, receiverInterface, senderInterface } from "./network.ts";
import type { SendOrder, Sent } from "./sender.ts";

export interface Sender {
  send(order: SendOrder): Promise<Sent>;
  stop(): void;
}

export async function startSender(network: LiveNetwork, cpu: number): Promise<Sender> {
  const [command, ...args] = [...network.within(network.sender, cpu), process.execPath];
  const macAddress = macAddressOf(network.receiver, receiverInterface);
  const child = fork(join(import.meta.dirname, "sender.ts"), [senderInterface, macAddress], {
    execPath: command,
    execArgv: [...args, "--disable-warning=ExperimentalWarning"],
    serialization: "advanced",
  });
  await once(child, "message");
  return {
    send: async (order) => {
      const answer = once(child, "message") as Promise<[Sent]>;
      child.send(order);
      return (await answer)[0];
    },
    stop: () => child.disconnect(),
  };
}
