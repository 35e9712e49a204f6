/** `weir firewall`: the table in the host's firewall that tells Weir what the firewall decides. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import type { Firewall } from "../capture/mod.ts";
import { fail, ok, type Result } from "../base/mod.ts";
import { answer, type Answer, type CommonFlags, jsonFlag, textFlag } from "./command.ts";

interface FirewallFlags extends CommonFlags {
  readonly config?: string;
}

const flags = { json: jsonFlag, config: textFlag("YAML file with settings", "FILE") } as const;

/** Runs `work` on the firewall of this network namespace, with the log group of the configuration. */
function withFirewall(
  given: FirewallFlags,
  work: (firewall: Firewall) => Promise<Result<Answer>>,
): Promise<void> {
  return answer(given, async () => {
    const { loadConfiguration } = await import("../app/config/mod.ts");
    const file = given.config ?? (process.env["WEIR_CONFIG"] || undefined);
    const loaded = loadConfiguration({
      ...(file === undefined ? {} : { file }),
      environment: process.env,
      flags: [],
    });
    if (!loaded.ok) return loaded;
    const { createFirewall } = await import("../capture/mod.ts");
    return work(createFirewall(loaded.value.configuration.capture.verdictGroup));
  });
}

const show = buildCommand({
  docs: {
    brief: "Show the table, as nft reads it",
    fullDescription: "Prints what weir firewall apply would put in place, and changes nothing.",
  },
  parameters: { flags },
  func: (given: FirewallFlags) =>
    withFirewall(given, async (firewall) => {
      const text = firewall.text();
      return ok({ text, json: { table: text } });
    }),
});

const stateTexts = {
  applied: "Weir's table is in the firewall: flow logs know accepted from rejected\n",
  absent: "Weir's table is not in the firewall\nnext: sudo ./weir firewall apply\n",
  outdated:
    "a table named weir is in the firewall, and does not log as this Weir reads it\nnext: sudo ./weir firewall apply\n",
} as const;

const status = buildCommand({
  docs: { brief: "Say whether the table is in the firewall" },
  parameters: { flags },
  func: (given: FirewallFlags) =>
    withFirewall(given, async (firewall) => {
      const state = await firewall.state();
      return state.ok ? ok({ text: stateTexts[state.value], json: { state: state.value } }) : state;
    }),
});

const apply = buildCommand({
  docs: {
    brief: "Put the table into the firewall",
    fullDescription:
      "Adds the table inet weir, which logs every packet before and behind the filter and decides nothing. Other tables are not touched. It lasts until weir firewall remove, a flush of the whole ruleset, or a restart of the machine.",
  },
  parameters: { flags },
  func: (given: FirewallFlags) =>
    withFirewall(given, async (firewall) => {
      const before = await firewall.state();
      if (!before.ok) return before;
      const applied = await firewall.apply();
      if (!applied.ok) return applied;
      const after = await firewall.state();
      if (!after.ok) return after;
      if (after.value !== "applied")
        return fail("CaptureUnavailable", "nft took the table but does not show it");
      const text =
        before.value === "applied"
          ? "the table is in the firewall already\n"
          : "the table is in the firewall\n";
      return ok({ text, json: { state: after.value, before: before.value } });
    }),
});

const remove = buildCommand({
  docs: { brief: "Take the table out of the firewall" },
  parameters: { flags },
  func: (given: FirewallFlags) =>
    withFirewall(given, async (firewall) => {
      const before = await firewall.state();
      if (!before.ok) return before;
      const removed = await firewall.remove();
      if (!removed.ok) return removed;
      const text =
        before.value === "absent" ? "there was no such table\n" : "the table is out of the firewall\n";
      return ok({ text, json: { state: "absent", before: before.value } });
    }),
});

export const firewallCommands = buildRouteMap({
  routes: { show, status, apply, remove },
  docs: { brief: "The firewall's verdicts: which packets were accepted, which rejected" },
});
