/** What `weir` says when it is given nothing to do. */
import { readVersion } from "./command.ts";
import { createStyle } from "./ui/style.ts";

const commands: readonly (readonly [command: string, purpose: string])[] = [
  ["./weir serve", "start Weir: the APIs, the capture, the log service"],
  ["./weir status", "what the running Weir does"],
  ["./weir doctor", "what this machine lacks, and how to mend it"],
  ["./weir flow-log", "create, list, show, update, activate, associate … flow logs"],
  ["./weir resource", "the gateways, VPCs, subnets and interfaces that a flow log can observe"],
  ["./weir records", "search and follow the records of a logstore"],
  ["./weir project", "projects of the log service"],
  ["./weir logstore", "logstores of a project"],
  ["./weir account", "accounts, which see nothing of each other"],
  ["./weir access-key", "the keys that SDKs sign with"],
  ["./weir user", "users, who have access keys of their own"],
  ["./weir group", "groups of users"],
  ["./weir role", "roles, which a user may take on for a time"],
  ["./weir policy", "what users, groups and roles may do"],
  ["./weir resource-group", "groups that flow logs can be filed under"],
  ["./weir tls", "the certificate of https, and the one that clients are to trust"],
  ["./weir firewall", "let flow logs know accepted traffic from rejected"],
  ["./weir meter FILE", "meter a pcap or pcapng file, without a server"],
];

export function welcome(): string {
  const style = createStyle();
  const width = Math.max(...commands.map(([command]) => command.length));
  const lines = commands.map(([command, purpose]) => `  ${style.accent(command.padEnd(width))}  ${purpose}`);
  return `${style.bold(`Weir ${readVersion()}`)}: self-hosted flow logs.

Weir captures a network resource's traffic, meters it into flows, and delivers the records to a
NetFlow or IPFIX collector and to a log service that answers queries. It speaks the flow-log APIs of
Alibaba Cloud (Smart Access Gateway, VPC), Huawei Cloud and Open Telekom Cloud, so that the SDK, CLI
or Terraform you know works unchanged.

${style.bold("Commands")}
${lines.join("\n")}

${style.bold("First steps")}
  1. ./weir doctor                   see whether this machine can capture
  2. ./weir serve                    note the access key and the gateway's id that it prints
  3. ./weir flow-log create --name first --log traffic/flows --resource sag-…
  4. ./weir records --project traffic --logstore flows --follow

Every command explains itself with --help and prints JSON with --json.
`;
}
