/** The test's side of tun-device.ts. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import type { Namespace } from "./netns.ts";
import type { TunOrder } from "./tun-device.ts";

export interface TunDevice {
  /** Resolves when all has come in and gone out. */
  order(order: TunOrder): Promise<void>;
  /** The device goes with it. */
  close(): void;
}

const entry = fileURLToPath(new URL("tun-device.ts", import.meta.url));

export async function startTunDevice(namespace: Namespace, name: string): Promise<TunDevice> {
  const [command, ...args] = ["ip", "netns", "exec", namespace.name, process.execPath];
  const child = fork(entry, [name], {
    execPath: command,
    execArgv: [...args, "--disable-warning=ExperimentalWarning"],
    serialization: "advanced",
  });
  await once(child, "message");
  return {
    async order(order) {
      const done = once(child, "message");
      child.send(order);
      await done;
    },
    close: () => child.disconnect(),
  };
}
