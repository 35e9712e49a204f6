/** Refusals in the words of the command line: the core's and the server's names of inputs, as they were typed. */
import type { Fault, Result } from "../base/mod.ts";

/** Names of inputs, and the flag or argument that a person gave each by. */
export type FlagWords = Readonly<Record<string, string>>;

/** Of inputs that are the same flag in every command. */
const common: FlagWords = { accountId: "--account" };

/** What supplies an input that was not given. */
const remedies: FlagWords = {
  "--log": "name where the log service keeps the records: --log PROJECT/LOGSTORE",
  "--netflow": "name the collector: --netflow ADDRESS:PORT",
};

/** A field that is a word of no sentence but stands for itself there: a dotted path, camel case, `ttl`. */
const nameAlone = /[.A-Z]|^ttl$/u;

/** The refusal with its field and its sentence in the command line's words, and what to add where a flag is missing. */
export function inFlagWords<T>(result: Result<T>, words: FlagWords): Result<T> {
  if (result.ok || result.fault.field === undefined) return result;
  const { field } = result.fault;
  const known = { ...common, ...words };
  const flag = Object.hasOwn(known, field) ? known[field] : undefined;
  if (flag === undefined) return result;
  const message = nameAlone.test(field) ? result.fault.message.replaceAll(field, flag) : result.fault.message;
  const remedy = result.fault.remedy ?? (result.fault.code === "InputMissing" ? remedies[flag] : undefined);
  const told: Fault = { ...result.fault, field: flag, message, ...(remedy === undefined ? {} : { remedy }) };
  return { ok: false, fault: told };
}
