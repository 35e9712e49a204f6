/** What every command shares: its common flags, how it prints an answer, and how it prints a fault. */
import { readFileSync } from "node:fs";

import { fail, type Fault, ok, type Result, toFault } from "../base/mod.ts";
import { type Client, createClient } from "./client.ts";
import { type FlagWords, inFlagWords } from "./flag-words.ts";
import { createStyle } from "./ui/style.ts";

export interface CommonFlags {
  readonly json?: boolean;
}

export interface ClientFlags extends CommonFlags {
  readonly data?: string;
}

/** Of commands about what an account has. */
export interface AccountFlags extends ClientFlags {
  readonly account?: string;
}

/** Stricli's form of the flags that every command has. */
export const jsonFlag = {
  kind: "boolean",
  brief: "Print one JSON value instead of text",
  optional: true,
  withNegated: false,
} as const;

export const dataFlag = {
  kind: "parsed",
  parse: String,
  brief: "Data directory of the running Weir",
  placeholder: "DIR",
  optional: true,
} as const;

export const clientFlags = { json: jsonFlag, data: dataFlag } as const;

export const accountFlags = {
  ...clientFlags,
  account: {
    kind: "parsed",
    parse: String,
    brief: "Account that it is about; default the installation's",
    placeholder: "ID|NAME",
    optional: true,
  },
} as const;

/** A flag that takes text. */
export function textFlag<const Brief extends string>(brief: Brief, placeholder: string) {
  return { kind: "parsed", parse: String, brief, placeholder, optional: true } as const;
}

/** A flag that takes a whole number; anything else is bad usage. */
export function integerFlag<const Brief extends string>(brief: Brief, placeholder: string) {
  return { kind: "parsed", parse: parseInteger, brief, placeholder, optional: true } as const;
}

function parseInteger(text: string): number {
  if (!/^-?\d{1,15}$/u.test(text)) throw new SyntaxError(`"${text}" is not a whole number`);
  return Number(text);
}

/** One positional argument. */
export function argument<const Placeholder extends string>(placeholder: Placeholder, brief: string) {
  return { kind: "tuple", parameters: [{ parse: String, brief, placeholder }] } as const;
}

/** Of a command that changes what its flags name. Fault: `InputMissing` where they name nothing. */
export function requireChange(flags: object, settings: object): Result<void> {
  const names = Object.keys(settings).filter((name) => !Object.hasOwn(accountFlags, name));
  if (Object.entries(flags).some(([name, value]) => names.includes(name) && value !== undefined)) {
    return ok(undefined);
  }
  const words = names.map(
    (name) => `--${name.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`,
  );
  return fail("InputMissing", "nothing is named that is to change", {
    allowed: words.join(", "),
    remedy: "add --help to see what the command takes",
  });
}

/** What a command has to say: `text` for people, `json` for scripts. */
export interface Answer {
  readonly text: string;
  readonly json: unknown;
  /** `json` is a list, printed an element a line. */
  readonly isJsonLines?: boolean;
}

/** Runs `work` and prints its answer or its fault; a fault makes the exit code 1. */
export async function answer(flags: CommonFlags, work: () => Promise<Result<Answer>>): Promise<void> {
  let result: Result<Answer>;
  try {
    result = await work();
  } catch (error) {
    result = { ok: false, fault: toFault(error) };
  }
  if (!result.ok) return printFault(flags, result.fault);
  const { text, json, isJsonLines = false } = result.value;
  const values = isJsonLines && Array.isArray(json) ? json : [json];
  process.stdout.write(
    flags.json === true ? values.map((value) => `${JSON.stringify(value)}\n`).join("") : text,
  );
}

/** Likewise for a command that asks the running Weir, whose refusals are told in `words`. */
export function ask(
  flags: AccountFlags,
  work: (client: Client) => Promise<Result<Answer>>,
  words: FlagWords = {},
): Promise<void> {
  const client = clientOf(flags);
  return answer(flags, async () => inFlagWords(await work(client), words));
}

/** The client of the running Weir and the account that the flags name. */
export function clientOf({ data, account }: AccountFlags): Client {
  return createClient({
    ...(data === undefined ? {} : { data }),
    ...(account === undefined ? {} : { account }),
  });
}

/** The line that names the command to go on with, for the same account and on the same data directory. */
export function nextLine({ account, data }: AccountFlags, command: string): string {
  const rest = Object.entries({ account, data }).map(([flag, value]) =>
    value === undefined ? "" : ` --${flag} ${shellWord(value)}`,
  );
  return `next: ${command}${rest.join("")}\n`;
}

function shellWord(text: string): string {
  return /^[\w./:@%+,=-]+$/u.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** Standard error for people, one JSON line on standard output for scripts. */
export function printFault(flags: CommonFlags, refused: Fault): void {
  process.exitCode = 1;
  const { cause: _cause, ...told } = refused;
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ error: told })}\n`);
  else process.stderr.write(formatFault(refused));
}

/** The sentence, then what is known of value, allowed and remedy, a line each. */
export function formatFault(refused: Fault): string {
  const style = createStyle(process.stderr);
  const lines = [`${style.bad("error:")} ${refused.message}`];
  if (refused.value !== undefined) {
    lines.push(`  ${style.dim(refused.field ?? "value")}: ${refused.value}`);
  }
  if (refused.allowed !== undefined) lines.push(`  ${style.dim("allowed")}: ${refused.allowed}`);
  if (refused.remedy !== undefined) lines.push(`  ${style.dim("remedy")}: ${refused.remedy}`);
  return `${lines.join("\n")}\n`;
}

export interface HostPortFlag {
  readonly flag: string;
  /** Where the text has none. */
  readonly portDefault: number;
  /** Whether an IPv6 address, in brackets, is taken too. */
  readonly ipv6: boolean;
}

/** `HOST:PORT` of a flag. Fault: `InputInvalid`. */
export function parseHostPort(
  text: string,
  { flag, portDefault, ipv6 }: HostPortFlag,
): Result<{ readonly address: string; readonly port: number }> {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/u.exec(text);
  const address = (ipv6 ? match?.[1] : undefined) ?? match?.[2];
  const port = match?.[3] === undefined ? portDefault : Number(match[3]);
  if (address !== undefined && port >= 1 && port <= 65_535) {
    return { ok: true, value: { address, port } };
  }
  return fail("InputInvalid", `"${text}" is not ADDRESS:PORT`, {
    field: flag,
    value: text,
    allowed: `${ipv6 ? "an" : "an IPv4"} address and a port from 1 to 65535, such as 192.0.2.1:9995${ipv6 ? " or [2001:db8::1]:9995" : ""}`,
  });
}

/** The version in package.json. */
export function readVersion(): string {
  const path = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
