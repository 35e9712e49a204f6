/** Brings the Debian packages whose programs the tests run: by apt-get as root, else by naming them. */
import { spawnSync, type SpawnSyncOptions } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { peerPackages } from "../test/support/peers.ts";

type Environment = Readonly<Record<string, string | undefined>>;

export function bringPeers(environment: Environment): void {
  const missing = missingPackages(environment);
  if (missing.length === 0) return;
  const command = `apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (process.getuid?.() !== 0 || !isOnPath("apt-get", environment)) {
    process.stdout.write(
      `not installed, so their tests are skipped: ${missing.join(" ")}\n  sudo ${command}\n`,
    );
    return;
  }
  process.stdout.write(`installing ${missing.join(" ")} with apt-get\n`);
  const options: SpawnSyncOptions = {
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...environment, DEBIAN_FRONTEND: "noninteractive" },
  };
  const [program = "", ...args] = command.split(" ");
  // The lists may be old or, in a fresh container, absent.
  const isDone =
    spawnSync("apt-get", ["update", "--quiet=2"], options).status === 0 &&
    spawnSync(program, args, options).status === 0;
  if (!isDone) process.stdout.write(`apt-get could not install all of ${missing.join(" ")}\n`);
}

function missingPackages(environment: Environment): string[] {
  const missing = Object.entries(peerPackages).filter(([program]) => !isOnPath(program, environment));
  return [...new Set(missing.map(([, debianPackage]) => debianPackage))];
}

function isOnPath(program: string, environment: Environment): boolean {
  const folders = [...(environment["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
