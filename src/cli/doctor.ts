/** `weir doctor`: what this machine lacks, and how to mend it. */
import { buildCommand } from "@stricli/core";

import type { Check } from "../app/doctor/mod.ts";
import { ok } from "../base/mod.ts";
import { answer, type ClientFlags, clientFlags, parseHostPort, textFlag } from "./command.ts";
import { createStyle } from "./ui/style.ts";
import { counted } from "./ui/table.ts";

interface DoctorFlags extends ClientFlags {
  readonly listen?: string;
  readonly config?: string;
  readonly netflow?: string;
  readonly project?: string;
}

const netflowPortDefault = 9995;

export const doctorCommand = buildCommand({
  docs: {
    brief: "Examine this machine: what is missing, and how to mend it",
    fullDescription:
      "Examines what Weir needs of this machine and changes nothing. The exit code is 1 if something fails; warnings do not count. Give it the flags that weir serve gets.",
  },
  parameters: {
    flags: {
      ...clientFlags,
      listen: textFlag("Address that the API is to have", "HOST:PORT"),
      config: textFlag("YAML file with settings", "FILE"),
      netflow: textFlag("A NetFlow collector that should be reachable", "ADDRESS:PORT"),
      project: textFlag("A project whose name the log service's SDK should find", "PROJECT"),
    },
  },
  func: (flags: DoctorFlags) =>
    answer(flags, async () => {
      const { loadConfiguration } = await import("../app/config/mod.ts");
      const file = flags.config ?? (process.env["WEIR_CONFIG"] || undefined);
      const loaded = loadConfiguration({
        ...(file === undefined ? {} : { file }),
        environment: process.env,
        flags: [
          ...(flags.data === undefined ? [] : [["data", flags.data] as const]),
          ...(flags.listen === undefined ? [] : [["listen", flags.listen] as const]),
        ],
      });
      if (!loaded.ok) return loaded;
      const target =
        flags.netflow === undefined
          ? undefined
          : parseHostPort(flags.netflow, { flag: "--netflow", portDefault: netflowPortDefault, ipv6: false });
      if (target?.ok === false) return target;
      const { examine } = await import("../app/doctor/mod.ts");
      const checks = await examine({
        configuration: loaded.value.configuration,
        ...(flags.project === undefined ? {} : { project: flags.project }),
        ...(target === undefined
          ? {}
          : { collector: { host: target.value.address, port: target.value.port } }),
      });
      if (checks.some(({ state }) => state === "fail")) process.exitCode = 1;
      return ok({ text: reportText(checks), json: { checks } });
    }),
});

function reportText(checks: readonly Check[]): string {
  const style = createStyle();
  const marks = { ok: style.good("ok  "), warn: style.warning("warn"), fail: style.bad("fail") };
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, state, text, remedy }) => {
    const line = `${marks[state]}  ${name.padEnd(width)}  ${text}\n`;
    return remedy === undefined ? line : `${line}${" ".repeat(width + 8)}${style.dim("mend:")} ${remedy}\n`;
  });
  const count = (state: Check["state"]): number => checks.filter((check) => check.state === state).length;
  const warnings = counted(count("warn"), "warning");
  return `${lines.join("")}\n${count("ok")} ok, ${warnings}, ${counted(count("fail"), "failure")}\n`;
}
