/** `weir role`: rights that are lent for a time, by AssumeRole. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok, type Result } from "../base/mod.ts";
import {
  argument,
  ask,
  type AccountFlags,
  accountFlags,
  integerFlag,
  nextLine,
  textFlag,
} from "./command.ts";
import { readDocument } from "./document.ts";
import type { FlagWords } from "./flag-words.ts";
import { attachCommand, changeHolder, deleteCommand, detachCommand } from "./policy-holder.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

interface RoleAnswer {
  readonly id: string;
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly trustPolicy: string;
  readonly sessionSMax: number;
  readonly createdTime: string;
  readonly policies: readonly string[];
}

interface SettingFlags extends AccountFlags {
  readonly trustPolicy?: string;
  readonly description?: string;
  readonly sessionMax?: number;
}

const settingFlags = {
  ...accountFlags,
  trustPolicy: textFlag(
    "File with the trust policy, JSON; default trusts the account. - is standard input",
    "FILE",
  ),
  description: textFlag("What the role is for", "TEXT"),
  sessionMax: integerFlag("Longest session; default 3600", "SECONDS"),
} as const;

const words: FlagWords = {
  name: "NAME",
  trustPolicy: "--trust-policy",
  description: "--description",
  sessionSMax: "--session-max",
};

function settingsOf({ trustPolicy, description, sessionMax }: SettingFlags): Result<object> {
  const settings = {
    ...(description === undefined ? {} : { description }),
    ...(sessionMax === undefined ? {} : { sessionSMax: sessionMax }),
  };
  if (trustPolicy === undefined) return ok(settings);
  const document = readDocument(trustPolicy, "--trust-policy");
  return document.ok ? ok({ ...settings, trustPolicy: document.value }) : document;
}

const list = buildCommand({
  docs: { brief: "List roles" },
  parameters: { flags: accountFlags },
  func: (flags: AccountFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ roles: RoleAnswer[] }>("GET", "/roles");
      if (!answer.ok) return answer;
      const columns = ["NAME", "ARN", "POLICIES", "CREATED"].map((title) => ({ title }));
      const rows = answer.value.roles.map(({ name, arn, policies, createdTime }) => [
        name,
        arn,
        policies.join(" "),
        createdTime,
      ]);
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

const create = buildCommand({
  docs: { brief: "Create a role, which may nothing until it has a policy" },
  parameters: { flags: settingFlags, positional: argument("NAME", "Name of the role") },
  func: (flags: SettingFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const settings = settingsOf(flags);
        if (!settings.ok) return settings;
        const answer = await client.call<RoleAnswer>("POST", "/roles", { name, ...settings.value });
        if (!answer.ok) return answer;
        const next = nextLine(flags, `./weir role attach ${name} POLICY`);
        return ok({ text: `created role ${answer.value.arn}\n${next}`, json: answer.value });
      },
      words,
    ),
});

const modify = buildCommand({
  docs: { brief: "Change a role's trust policy, description or longest session" },
  parameters: { flags: settingFlags, positional: argument("NAME", "Name of the role") },
  func: (flags: SettingFlags, name: string) =>
    changeHolder("role", name, flags, { flags: settingFlags, words, bodyOf: settingsOf }),
});

const show = buildCommand({
  docs: { brief: "Show a role with its policies and whom it trusts" },
  parameters: { flags: accountFlags, positional: argument("NAME", "Name of the role") },
  func: (flags: AccountFlags, name: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<RoleAnswer>("GET", `/roles/${encodeURIComponent(name)}`);
      if (!answer.ok) return answer;
      const { arn, id, description, sessionSMax, createdTime, policies, trustPolicy } = answer.value;
      const facts = formatPairs([
        ["name", name],
        ["arn", arn],
        ["id", id],
        ["description", description],
        ["longest session", `${sessionSMax} s`],
        ["created", createdTime],
        ["policies", policies.join(" ")],
      ]);
      return ok({ text: `${facts}trust policy\n${trustPolicy.trim()}\n`, json: answer.value });
    }),
});

export const roleCommands = buildRouteMap({
  routes: {
    list,
    create,
    modify,
    show,
    attach: attachCommand("role"),
    detach: detachCommand("role"),
    delete: deleteCommand("role", "Delete a role; its sessions end"),
  },
  docs: { brief: "Roles, whose rights are lent for a time" },
});
