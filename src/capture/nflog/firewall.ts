/** Weir's table in the host's firewall: looked for, put in place and taken away, by the `nft` program. */
import { spawn } from "node:child_process";

import { fail, ok, type Result } from "../../base/mod.ts";
import { applyText, firewallTableName, firewallTableText, removeText } from "./firewall-table.ts";
import { stagePrefixes } from "./message.ts";
import { verdictDefaults } from "./verdict-options.ts";

/** `outdated` is a table of that name that logs otherwise than this Weir reads. */
export type FirewallTableState = "applied" | "absent" | "outdated";

/** What each of these answers by: `PrivilegeMissing`, `KernelFeatureMissing` (no nft), `CaptureUnavailable`. */
export interface Firewall {
  /** The table as text, for `nft -f`. */
  text(): string;
  state(): Promise<Result<FirewallTableState>>;
  /** Puts the table in place, in one transaction, whatever was there under its name. */
  apply(): Promise<Result<void>>;
  /** Takes the table away; without one it succeeds and changes nothing. */
  remove(): Promise<Result<void>>;
}

/** The firewall of this network namespace; `group` is the netlink log group that its table logs to. */
export function createFirewall(group: number): Firewall {
  const { snapshotBytes } = verdictDefaults;
  const state = async (): Promise<Result<FirewallTableState>> => {
    const listed = await runNft(["--json", "list", "ruleset", "inet"], "");
    return listed.ok ? ok(stateOf(listed.value, group)) : listed;
  };
  return {
    text: () => firewallTableText(group, snapshotBytes),
    state,
    async apply() {
      const applied = await runNft(["-f", "-"], applyText(group, snapshotBytes));
      return applied.ok ? ok(undefined) : applied;
    },
    async remove() {
      const found = await state();
      if (!found.ok) return found;
      if (found.value === "absent") return ok(undefined);
      const removed = await runNft(["-f", "-"], removeText);
      return removed.ok ? ok(undefined) : removed;
    },
  };
}

/** As much of `nft --json` (libnftables-json(5)) as is looked at. */
interface ListedObject {
  readonly table?: { readonly name: string };
  readonly rule?: {
    readonly table: string;
    readonly expr: readonly { readonly log?: { readonly prefix?: string; readonly group?: number } }[];
  };
}

function stateOf(listed: string, group: number): FirewallTableState {
  const objects = (JSON.parse(listed) as { readonly nftables: readonly ListedObject[] }).nftables;
  if (!objects.some(({ table }) => table?.name === firewallTableName)) return "absent";
  const rules = objects.flatMap(({ rule }) => (rule?.table === firewallTableName ? [rule] : []));
  const logging = (prefix: string): number =>
    rules.filter(({ expr }) => expr.some(({ log }) => log?.group === group && log.prefix === prefix)).length;
  const isWhole = logging(stagePrefixes.before) === 3 && logging(stagePrefixes.after) === 3;
  return isWhole ? "applied" : "outdated";
}

const nftTimeoutMs = 10_000;
/** Services and users without root's PATH find it there all the same. */
const searchPath = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

function runNft(args: readonly string[], input: string): Promise<Result<string>> {
  const { promise, resolve } = Promise.withResolvers<Result<string>>();
  const child = spawn("nft", args, { env: { ...process.env, PATH: searchPath }, timeout: nftTimeoutMs });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  child.once("error", (error: NodeJS.ErrnoException) => {
    const remedy = "apt-get install nftables";
    resolve(
      error.code === "ENOENT"
        ? fail("KernelFeatureMissing", "nft is not installed", { remedy })
        : fail("KernelFeatureMissing", `cannot run nft: ${error.message}`),
    );
  });
  child.once("close", (code) => resolve(code === 0 ? ok(stdout) : refusalOf(stderr.trim())));
  // A program that ends without reading its input is told by its exit code.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return promise;
}

function refusalOf(text: string): Result<never> {
  if (/operation not permitted|permission denied|you must be root/iu.test(text)) {
    return fail("PrivilegeMissing", "the firewall needs root or CAP_NET_ADMIN", {
      remedy: "run it with sudo",
    });
  }
  return fail("CaptureUnavailable", `nft refused: ${text.split("\n")[0] ?? ""}`);
}
