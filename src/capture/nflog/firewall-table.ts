/**
 * The nftables table by which the host's firewall tells what it does with packets.
 *
 * Each of the hooks input, forward and output has a chain before the user's filter chains and one behind them;
 * both log every packet to one netlink group, in the order in which it passes. A packet that the second does
 * not see was dropped or rejected in between. The chains accept everything and change nothing, and the table
 * holds nothing else, so that no rule of the user's is touched.
 *
 * Priorities: after destination NAT (-100), so that a packet looks the same at both ends, and before source NAT
 * (100); filter chains lie at 0. What is dropped earlier, in prerouting or ingress, was seen by neither chain
 * and is no flow of the log. Packets of the loopback device are not logged.
 */
import { stagePrefixes } from "./message.ts";

export const firewallTableName = "weir";

const hookNames = ["input", "forward", "output"] as const;
const priorities = { before: -99, after: 99 } as const;
/** The device by which a packet of the hook could come from the host itself. */
const loopbackMatches = {
  input: 'iifname != "lo"',
  forward: "",
  output: 'oifname != "lo"',
} as const;

/** The table as `nft -f` reads it. `snapshotBytes` are kept of each packet. */
export function firewallTableText(group: number, snapshotBytes: number): string {
  const chains = hookNames.flatMap((hook) =>
    (["before", "after"] as const).map((stage) => {
      const match = loopbackMatches[hook] === "" ? "" : `${loopbackMatches[hook]} `;
      return [
        `  chain ${hook}_${stage} {`,
        `    type filter hook ${hook} priority ${priorities[stage]}; policy accept;`,
        `    ${match}log prefix "${stagePrefixes[stage]}" group ${group} snaplen ${snapshotBytes}`,
        "  }",
      ].join("\n");
    }),
  );
  return `table inet ${firewallTableName} {\n${chains.join("\n\n")}\n}\n`;
}

/** Replaces the table, whatever it was, in one transaction: the first line makes sure that there is one to delete. */
export function applyText(group: number, snapshotBytes: number): string {
  return `table inet ${firewallTableName}\n${removeText}${firewallTableText(group, snapshotBytes)}`;
}

export const removeText = `delete table inet ${firewallTableName}\n`;
