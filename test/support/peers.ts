/**
 * What a test needs beyond the checkout: other people's programs, and privileges.
 *
 * On a user's machine a missing peer is named and its tests are skipped; under CI (the environment
 * variable CI is set and not "false") it is a failure, so that no proof is lost unseen.
 */
import { appendFileSync, accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Every program that a test may run, and the Debian package that brings it. */
export const peerPackages = {
  bridge: "iproute2",
  faketime: "faketime",
  curl: "curl",
  ip: "iproute2",
  lz4: "lz4",
  nfacctd: "pmacct",
  nfcapd: "nfdump",
  nfdump: "nfdump",
  nfpcapd: "nfdump",
  nft: "nftables",
  openssl: "openssl",
  pmacctd: "pmacct",
  runuser: "util-linux",
  script: "bsdutils",
  setpriv: "util-linux",
  softflowd: "softflowd",
  tcpdump: "tcpdump",
  tshark: "tshark",
  xz: "xz-utils",
  zstd: "zstd",
} as const;

export type Peer = keyof typeof peerPackages;

/** Whether every named program is on PATH; throws under CI if one is not. Use in `describe.skipIf(!requirePeer(…))`. */
export function requirePeer(...names: readonly Peer[]): boolean {
  const missing = names.filter((name) => !isOnPath(name));
  for (const name of missing) {
    reportMissing(name, `${name} is not installed (Debian package ${peerPackages[name]})`);
  }
  return missing.length === 0;
}

/** Whether the tests run as root; throws under CI if not. `why` ends the sentence "root is needed to …". */
export function requireRoot(why: string): boolean {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot) reportMissing("root", `root is needed to ${why}`);
  return isRoot;
}

/** Debian keeps pmacctd, nft and others in sbin, which a user's PATH leaves out. */
export function isOnPath(name: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/local/sbin", "/usr/sbin", "/sbin"];
  return folders.some((folder) => isExecutable(join(folder, name)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function reportMissing(name: string, sentence: string): void {
  const ci = process.env["CI"] ?? "";
  if (ci !== "" && ci !== "false") throw new Error(sentence);
  process.stderr.write(`skipped: ${sentence}\n`);
  const list = process.env["WEIR_MISSING_PEERS_FILE"];
  if (list !== undefined && list !== "") appendFileSync(list, `${name}\t${sentence}\n`);
}
