/** The command line: `weir <noun> <verb>`. Commands are data here; what they do is loaded when one runs. */
import { buildApplication, buildRouteMap, ExitCode, run } from "@stricli/core";

import { accessKeyCommands } from "./access-key.ts";
import { accountCommands } from "./account.ts";
import { fault } from "../base/mod.ts";
import { printFault, readVersion } from "./command.ts";
import { doctorCommand } from "./doctor.ts";
import { firewallCommands } from "./firewall.ts";
import { flowLogCommands } from "./flow-log.ts";
import { groupCommands } from "./group.ts";
import { logstoreCommands } from "./logstore.ts";
import { meterCommand } from "./meter.ts";
import { policyCommands } from "./policy.ts";
import { projectCommands } from "./project.ts";
import { recordsCommand } from "./records.ts";
import { resourceCommands } from "./resource.ts";
import { resourceGroupCommands } from "./resource-group.ts";
import { roleCommands } from "./role.ts";
import { serveCommand } from "./serve.ts";
import { statusCommand } from "./status.ts";
import { tlsCommands } from "./tls.ts";
import { userCommands } from "./user.ts";
import { welcome } from "./welcome.ts";

const usageExitCode = 2;

const root = buildRouteMap({
  routes: {
    serve: serveCommand,
    status: statusCommand,
    doctor: doctorCommand,
    meter: meterCommand,
    flowLog: flowLogCommands,
    resource: resourceCommands,
    resourceGroup: resourceGroupCommands,
    records: recordsCommand,
    project: projectCommands,
    logstore: logstoreCommands,
    account: accountCommands,
    accessKey: accessKeyCommands,
    user: userCommands,
    group: groupCommands,
    role: roleCommands,
    policy: policyCommands,
    tls: tlsCommands,
    firewall: firewallCommands,
  },
  aliases: { record: "records" },
  docs: { brief: "Self-hosted flow logs: the cloud flow-log APIs on your own network's real traffic" },
});

/** Every command, for the command line and for the reference page. */
export const application = buildApplication(root, {
  name: "weir",
  versionInfo: { currentVersion: `${readVersion()} (Node.js ${process.version})` },
  scanner: { caseStyle: "allow-kebab-for-camel" },
  documentation: { caseStyle: "convert-camel-to-kebab", onlyRequiredInUsageLine: true },
});

/** Runs one command line. The exit code is 0, 1 for a fault and 2 for bad usage. */
export async function runCli(inputs: readonly string[]): Promise<void> {
  // A reader that went away (`weir records | head`) ends the command quietly.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit();
    throw error;
  });
  if (inputs.length === 0) {
    process.stdout.write(welcome());
    return;
  }
  const complaints: string[] = [];
  const stderr = { write: (text: string) => void complaints.push(text) };
  const { stdout, env } = process;
  const context = { stdout, stderr, env, exitCode: null as number | string | null };
  await run(application, inputs, { process: context });
  const code = Number(context.exitCode ?? 0);
  const complaint = complaints.join("").trim();
  if (code < 0) return endRefused(code, complaint, { json: inputs.includes("--json") });
  if (complaint !== "") process.stderr.write(`${complaint}\n`);
  if (code > 0) process.exitCode = code;
}

/** Stricli's own codes are negative: wrong commands and arguments are usage, the rest is ours to mend. */
function endRefused(code: number, complaint: string, flags: { readonly json: boolean }): void {
  const remedy =
    code === ExitCode.UnknownCommand
      ? "./weir --help lists the commands"
      : code === ExitCode.InvalidArgument
        ? "add --help to see what the command takes"
        : undefined;
  if (remedy === undefined) return printFault(flags, fault("Internal", complaint));
  printFault(flags, fault("InputInvalid", complaint.replaceAll("\n", "; "), { remedy }));
  process.exitCode = usageExitCode;
}
