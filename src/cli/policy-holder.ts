/** What users, groups and roles have alike: `attach` and `detach` a policy, `modify`, `delete`. */
import { buildCommand } from "@stricli/core";

import { ok, type Result } from "../base/mod.ts";
import { argument, ask, type AccountFlags, accountFlags, requireChange } from "./command.ts";
import type { FlagWords } from "./flag-words.ts";

type Noun = "user" | "group" | "role";

export function attachCommand(noun: Noun) {
  return attachmentCommand(noun, "PUT", `Give the ${noun} a policy`, "attached", "to");
}

export function detachCommand(noun: Noun) {
  return attachmentCommand(noun, "DELETE", `Take a policy off the ${noun}`, "detached", "from");
}

export function deleteCommand(noun: Noun, brief: string) {
  return buildCommand({
    docs: { brief },
    parameters: { flags: accountFlags, positional: argument("NAME", `Name of the ${noun}`) },
    func: (flags: AccountFlags, name: string) =>
      ask(flags, async (client) => {
        const answer = await client.call<object>("DELETE", `/${noun}s/${encodeURIComponent(name)}`);
        return answer.ok ? ok({ text: `deleted ${noun} ${name}\n`, json: answer.value }) : answer;
      }),
  });
}

export interface HolderSettings<Flags> {
  /** The command's flags, of which one at least has to be given. */
  readonly flags: object;
  readonly words: FlagWords;
  readonly bodyOf: (flags: Flags) => Result<object>;
}

/** Changes of one what the flags name. */
export function changeHolder<Flags extends AccountFlags>(
  noun: Noun,
  name: string,
  flags: Flags,
  settings: HolderSettings<Flags>,
): Promise<void> {
  return ask(
    flags,
    async (client) => {
      const named = requireChange(flags, settings.flags);
      if (!named.ok) return named;
      const body = settings.bodyOf(flags);
      if (!body.ok) return body;
      const path = `/${noun}s/${encodeURIComponent(name)}`;
      const answer = await client.call<object>("PATCH", path, body.value);
      return answer.ok ? ok({ text: `modified ${noun} ${name}\n`, json: answer.value }) : answer;
    },
    settings.words,
  );
}

function attachmentCommand(
  noun: Noun,
  method: "PUT" | "DELETE",
  brief: string,
  done: string,
  preposition: string,
) {
  return buildCommand({
    docs: { brief },
    parameters: {
      flags: accountFlags,
      positional: {
        kind: "tuple",
        parameters: [
          { parse: String, brief: `Name of the ${noun}`, placeholder: "NAME" },
          { parse: String, brief: "Name of the policy", placeholder: "POLICY" },
        ],
      },
    },
    func: (flags: AccountFlags, name: string, policy: string) =>
      ask(flags, async (client) => {
        const path = `/${noun}s/${encodeURIComponent(name)}/policies/${encodeURIComponent(policy)}`;
        const answer = await client.call<object>(method, path);
        if (!answer.ok) return answer;
        return ok({ text: `${done} ${policy} ${preposition} ${noun} ${name}\n`, json: answer.value });
      }),
  });
}
