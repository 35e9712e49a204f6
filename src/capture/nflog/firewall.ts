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
    const listed = await runNft(["--json", "list", "table", "inet", firewallTableName], "");
    if (!listed.ok) return listed;
    if (listed.value.complaint.includes(noSuchTable)) return ok("absent");
    const text = textOf(listed.value);
    return text.ok ? stateOf(text.value, group) : text;
  };
  return {
    text: () => firewallTableText(group, snapshotBytes),
    state,
    apply: () => load(applyText(group, snapshotBytes)),
    async remove() {
      const found = await state();
      if (!found.ok) return found;
      return found.value === "absent" ? ok(undefined) : load(removeText);
    },
  };
}

async function load(text: string): Promise<Result<void>> {
  const ran = await runNft(["-f", "-"], text);
  if (!ran.ok) return ran;
  const loaded = textOf(ran.value);
  return loaded.ok ? ok(undefined) : loaded;
}

/** As much of `nft --json` (libnftables-json(5)) as is looked at. */
interface ListedObject {
  readonly rule?: {
    readonly expr: readonly { readonly log?: { readonly prefix?: string; readonly group?: number } }[];
  };
}

/** Faults: `CaptureUnavailable` for an nft that answers otherwise, such as one built without JSON. */
function stateOf(listed: string, group: number): Result<FirewallTableState> {
  try {
    const { nftables } = JSON.parse(listed) as { readonly nftables: readonly ListedObject[] };
    const logging = (prefix: string): number =>
      nftables.filter(({ rule }) =>
        rule?.expr.some(({ log }) => log?.group === group && log.prefix === prefix),
      ).length;
    const isWhole = logging(stagePrefixes.before) === 3 && logging(stagePrefixes.after) === 3;
    return ok(isWhole ? "applied" : "outdated");
  } catch (error) {
    const value = listed.slice(0, 80);
    return fail("CaptureUnavailable", "nft does not list the table as JSON", { value, cause: error });
  }
}

/** How nft says ENOENT: there is no such table. */
const noSuchTable = "No such file or directory";
const nftTimeoutMs = 10_000;
/** Services and users without root's PATH find it there all the same. */
const searchPath = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

interface NftAnswer {
  readonly succeeded: boolean;
  readonly text: string;
  readonly complaint: string;
}

function runNft(args: readonly string[], input: string): Promise<Result<NftAnswer>> {
  const { promise, resolve } = Promise.withResolvers<Result<NftAnswer>>();
  // What it says is looked at, and must not be in the user's language.
  const env = { ...process.env, PATH: searchPath, LC_ALL: "C" };
  const child = spawn("nft", args, { env, timeout: nftTimeoutMs });
  let text = "";
  let complaint = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => (text += part));
  child.stderr.setEncoding("utf8").on("data", (part: string) => (complaint += part));
  child.once("error", (error: NodeJS.ErrnoException) => {
    const remedy = "apt-get install nftables";
    resolve(
      error.code === "ENOENT"
        ? fail("KernelFeatureMissing", "nft is not installed", { remedy })
        : fail("KernelFeatureMissing", `cannot run nft: ${error.message}`),
    );
  });
  child.once("close", (code) => resolve(ok({ succeeded: code === 0, text, complaint })));
  // A program that ends without reading its input is told by its exit code.
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return promise;
}

/** What nft printed, or why it refused. */
function textOf({ succeeded, text, complaint }: NftAnswer): Result<string> {
  if (succeeded) return ok(text);
  if (/operation not permitted|permission denied|you must be root/iu.test(complaint)) {
    return fail("PrivilegeMissing", "the firewall needs root or CAP_NET_ADMIN", {
      remedy: "run it with sudo",
    });
  }
  const [line = ""] = complaint.trim().split("\n");
  return fail("CaptureUnavailable", line === "" ? "nft gave no answer" : `nft refused: ${line}`);
}
