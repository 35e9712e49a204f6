/** `--decapsulate`: which encapsulations a capture file is looked into. */
import { fail, ok, type Result } from "../base/mod.ts";
import { defaultEncapsulations, type EncapsulationSwitches } from "../wire/packet/mod.ts";

const names = Object.keys(defaultEncapsulations) as readonly (keyof EncapsulationSwitches)[];

/** Names of encapsulations, besides the ones that are looked into anyway; or `all`, or `none`. Fault: InputInvalid. */
export function parseEncapsulations(text?: string): Result<Partial<EncapsulationSwitches>> {
  if (text === undefined) return ok({});
  if (text === "all" || text === "none") return ok(switchesOf(names, text === "all"));
  const given = text.split(",").map((name) => name.trim().toLowerCase());
  const known = names.filter((name) => given.includes(name.toLowerCase()));
  const unknown = given.find((name) => !names.some((one) => one.toLowerCase() === name));
  if (unknown === undefined) return ok(switchesOf(known, true));
  return fail("InputInvalid", `there is no encapsulation "${unknown}"`, {
    field: "--decapsulate",
    value: text,
    allowed: `all, none, or names separated by commas: ${names.join(", ")}`,
  });
}

function switchesOf(
  switched: readonly (keyof EncapsulationSwitches)[],
  value: boolean,
): Partial<EncapsulationSwitches> {
  return Object.fromEntries(switched.map((name) => [name, value]));
}
