/** Speaks to a running Weir through the socket in its data directory. */
import { request } from "node:http";
import { join } from "node:path";

import { candidateDataDirectories } from "../app/location/mod.ts";
import { fail, type Fault, type FaultDetails, fault, ok, type Result } from "../base/mod.ts";

export interface Client {
  /** One call of the native API; `path` begins after `/api/v1`. Faults are the server's, or `ServerNotRunning`. */
  call<T>(method: string, path: string, body?: object): Promise<Result<T>>;
}

export interface ClientOptions {
  /** `--data`: only this directory is tried. */
  readonly data?: string;
  /** `--account`: the account that every call is about; else the installation's. */
  readonly account?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const timeoutMs = 60_000;
/** No socket, nobody behind it, no directory before it, or a path that no socket can have. */
const absentCodes: readonly (string | undefined)[] = ["ENOENT", "ECONNREFUSED", "ENOTDIR", "EINVAL"];

type Reply = { readonly status: number; readonly text: string };

export function createClient(options: ClientOptions): Client {
  const environment = options.environment ?? process.env;
  const named = options.data ?? (environment["WEIR_DATA"] || undefined);
  const directories = named === undefined ? candidateDataDirectories() : [named];
  let answered: string | undefined;
  const call = async (method: string, path: string, body?: object): Promise<Result<unknown>> => {
    for (const directory of answered === undefined ? directories : [answered]) {
      const reply = await exchange(join(directory, "weir.sock"), method, about(options.account, path), body);
      if (reply === "absent") continue;
      if (reply === "forbidden") return forbidden(directory);
      answered = directory;
      return reply.ok ? readReply(reply.value) : reply;
    }
    return notRunning(directories, options.data === undefined ? "data" : "--data");
  };
  // The answers' shapes are the native API's, which is of this same program.
  return { call: call as Client["call"] };
}

/** The path with the account in its query. */
function about(account: string | undefined, path: string): string {
  if (account === undefined) return path;
  return `${path}${path.includes("?") ? "&" : "?"}accountId=${encodeURIComponent(account)}`;
}

function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: object | undefined,
): Promise<Result<Reply> | "absent" | "forbidden"> {
  return new Promise((resolve) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const call = request({ socketPath, method, path: `/api/v1${path}`, headers, timeout: timeoutMs });
    call.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.once("end", () => resolve(ok({ status: response.statusCode ?? 0, text })));
      response.once("error", (error) => resolve(brokenOff(error)));
    });
    call.once("timeout", () => call.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    call.once("error", (error: NodeJS.ErrnoException) => {
      if (absentCodes.includes(error.code)) resolve("absent");
      else resolve(error.code === "EACCES" ? "forbidden" : brokenOff(error));
    });
    call.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function readReply({ status, text }: Reply): Result<unknown> {
  try {
    const content: unknown = text === "" ? {} : JSON.parse(text);
    if (status >= 200 && status < 300) return ok(content);
    const refused = (content as { error?: Fault }).error;
    if (refused !== undefined) return { ok: false, fault: refused };
  } catch {
    // Not JSON: told below, with the status.
  }
  return fail("Internal", `Weir answered ${status}: ${text.slice(0, 200).trim()}`);
}

function brokenOff(error: Error): Result<never> {
  return fail("ServerNotRunning", `Weir broke the call off: ${error.message}`, {
    remedy: "see its log, and whether it still runs",
    retryable: true,
    cause: error,
  });
}

function forbidden(directory: string): Result<never> {
  return fail("PrivilegeMissing", `this user may not speak to the Weir in ${directory}`, {
    field: "data",
    value: directory,
    allowed: "the user that runs Weir, or root",
    remedy: "run the command as that user, for instance with sudo",
  });
}

function notRunning(directories: readonly string[], field: string): Result<never> {
  const details: FaultDetails = {
    field,
    value: directories.join(", "),
    allowed: "the data directory of a running Weir",
    remedy: "start one with ./weir serve, or name its data directory with --data DIR",
    retryable: true,
  };
  return { ok: false, fault: fault("ServerNotRunning", "no Weir is running here", details) };
}
