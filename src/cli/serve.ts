/** `weir serve`: starts Weir in the foreground. */
import { isatty } from "node:tty";

import { buildCommand } from "@stricli/core";

import { fail, type Result, toFault } from "../base/mod.ts";
import type { RunningServer } from "../app/report/mod.ts";
import { type CommonFlags, jsonFlag, printFault, textFlag } from "./command.ts";
import { readyLine, readyText } from "./serve-text.ts";
import { createStyle } from "./ui/style.ts";

interface ServeFlags extends CommonFlags {
  readonly data?: string;
  readonly listen?: string;
  readonly config?: string;
  readonly logLevel?: string;
  readonly set?: readonly string[];
}

const signalRepeatMs = 1000;

export const serveCommand = buildCommand({
  docs: {
    brief: "Start Weir: the APIs, the capture, the log service",
    fullDescription:
      "Starts Weir in the foreground and says, once it is ready, the address, the access key and the resources it found. Stop it with SIGTERM or Ctrl-C: it then delivers what it has accepted, within 10 seconds. So it does when its terminal is closed; without a terminal, as a service, SIGHUP makes it look for a new certificate (tls.certificate) and go on. Every setting can be given in a file (--config), as WEIR_… in the environment, or with --set; see docs/reference/configuration.md.",
    customUsage: ["", "--listen 0.0.0.0:8080 --data /srv/weir", "--config /etc/weir/weir.yaml --json"],
  },
  parameters: {
    flags: {
      data: textFlag("Directory that holds all state", "DIR"),
      listen: textFlag("Address of the API; port 0 takes any free one", "HOST:PORT"),
      config: textFlag("YAML file with settings", "FILE"),
      logLevel: textFlag("debug, info, warn, error or silent", "LEVEL"),
      set: {
        kind: "parsed",
        parse: String,
        brief: "Any other setting, such as capture.loopback=true; may be repeated",
        placeholder: "NAME=VALUE",
        optional: true,
        variadic: true,
      },
      json: { ...jsonFlag, brief: "Print one JSON line when ready" },
    },
  },
  func: runServe,
});

async function runServe(flags: ServeFlags): Promise<void> {
  const hasTerminal = [0, 1, 2].some((descriptor) => isatty(descriptor));
  let running: RunningServer | undefined;
  // A service that starts has nothing to read anew yet, and must not end of it either.
  if (!hasTerminal) process.on("SIGHUP", () => running?.reload());
  const started = await start(flags);
  if (!started.ok) return printFault(flags, started.fault);
  const { server, warnings } = started.value;
  running = server;
  const report = { ...server.report, warnings: [...warnings, ...server.report.warnings] };
  // Before anyone is told that it is ready, and may ask it to stop again at once.
  const stopping = stopSignal(hasTerminal);
  if (flags.json === true) process.stdout.write(readyLine(report));
  else process.stdout.write(readyText(report));
  const style = createStyle(process.stderr);
  for (const warning of report.warnings) process.stderr.write(`${style.warning("warning:")} ${warning}\n`);
  // A terminal that is gone takes no more words.
  process.stderr.on("error", () => undefined);
  await stopping;
  process.stderr.write(
    "Stopping: what was accepted is delivered, within 10 seconds. Ctrl-C again ends Weir at once.\n",
  );
  await server.stop();
  // Nothing is left to do; a handle that somebody forgot must not keep the process.
  process.exit(0);
}

async function start(
  flags: ServeFlags,
): Promise<Result<{ server: RunningServer; warnings: readonly string[] }>> {
  const settings = settingFlags(flags);
  if (!settings.ok) return settings;
  try {
    const { loadConfiguration } = await import("../app/config/mod.ts");
    const file = flags.config ?? (process.env["WEIR_CONFIG"] || undefined);
    const loaded = loadConfiguration({
      ...(file === undefined ? {} : { file }),
      environment: process.env,
      flags: settings.value,
    });
    if (!loaded.ok) return loaded;
    const { serve } = await import("../app/mod.ts");
    const server = await serve(loaded.value.configuration);
    if (!server.ok) return server;
    return { ok: true, value: { server: server.value, warnings: loaded.value.warnings } };
  } catch (error) {
    return { ok: false, fault: toFault(error) };
  }
}

function settingFlags(flags: ServeFlags): Result<[path: string, value: string][]> {
  const settings: [string, string][] = [];
  for (const text of flags.set ?? []) {
    const end = text.indexOf("=");
    if (end < 1) {
      return fail("InputInvalid", `"${text}" is not NAME=VALUE`, {
        field: "set",
        value: text,
        allowed: "a setting and its value, such as capture.loopback=true",
      });
    }
    settings.push([text.slice(0, end), text.slice(end + 1)]);
  }
  if (flags.data !== undefined) settings.push(["data", flags.data]);
  if (flags.listen !== undefined) settings.push(["listen", flags.listen]);
  if (flags.logLevel !== undefined) settings.push(["log.level", flags.logLevel]);
  return { ok: true, value: settings };
}

/**
 * The first signal asks for a graceful stop; another one, a second later or more, ends the process at once.
 * Sooner it is the same one again: `timeout` and some supervisors signal the process and then its group. A program of
 * a terminal stops when that is hung up, and shells may say so more than once.
 */
function stopSignal(hasTerminal: boolean): Promise<void> {
  return new Promise((resolve) => {
    let stoppingSinceMs: number | undefined;
    const onSignal = (): void => {
      const nowMs = performance.now();
      if (stoppingSinceMs !== undefined && nowMs - stoppingSinceMs >= signalRepeatMs) process.exit(130);
      stoppingSinceMs ??= nowMs;
      resolve();
    };
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, onSignal);
    if (hasTerminal) {
      process.on("SIGHUP", () => {
        stoppingSinceMs ??= performance.now();
        resolve();
      });
    }
  });
}
