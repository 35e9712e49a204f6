/** `weir policy`: what users, groups and roles may do. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import {
  argument,
  ask,
  type AccountFlags,
  accountFlags,
  nextLine,
  requireChange,
  textFlag,
} from "./command.ts";
import { readDocument } from "./document.ts";
import type { FlagWords } from "./flag-words.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

interface PolicyAnswer {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly document: string;
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly roles: readonly string[];
}

interface CreateFlags extends AccountFlags {
  readonly document: string;
  readonly description?: string;
}

interface ModifyFlags extends AccountFlags {
  readonly document?: string;
  readonly description?: string;
}

const documentFlag = {
  kind: "parsed",
  parse: String,
  brief: "File with the policy, JSON as RAM has it; - is standard input",
  placeholder: "FILE",
} as const;
const descriptionFlag = textFlag("What the policy is for", "TEXT");
const words: FlagWords = { name: "NAME", description: "--description" };

const list = buildCommand({
  docs: { brief: "List policies, the system's among them" },
  parameters: { flags: accountFlags },
  func: (flags: AccountFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ policies: PolicyAnswer[] }>("GET", "/policies");
      if (!answer.ok) return answer;
      const columns = ["NAME", "TYPE", "USERS", "GROUPS", "ROLES", "DESCRIPTION"].map((title) => ({ title }));
      const rows = answer.value.policies.map(({ name, type, users, groups, roles, description }) => [
        name,
        type,
        users.join(" "),
        groups.join(" "),
        roles.join(" "),
        description,
      ]);
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

const create = buildCommand({
  docs: { brief: "Create a policy" },
  parameters: {
    flags: { ...accountFlags, document: documentFlag, description: descriptionFlag },
    positional: argument("NAME", "Name of the policy"),
  },
  func: (flags: CreateFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const document = readDocument(flags.document, "--document");
        if (!document.ok) return document;
        const { description } = flags;
        const body = {
          name,
          document: document.value,
          ...(description === undefined ? {} : { description }),
        };
        const answer = await client.call<PolicyAnswer>("POST", "/policies", body);
        if (!answer.ok) return answer;
        const next = nextLine(flags, `./weir user attach USER ${name}`);
        return ok({ text: `created policy ${name}\n${next}`, json: answer.value });
      },
      words,
    ),
});

const modifyFlags = {
  ...accountFlags,
  document: { ...documentFlag, optional: true },
  description: descriptionFlag,
} as const;

const modify = buildCommand({
  docs: { brief: "Change a policy; what it says holds from the next request on" },
  parameters: {
    flags: modifyFlags,
    positional: argument("NAME", "Name of the policy"),
  },
  func: (flags: ModifyFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const named = requireChange(flags, modifyFlags);
        if (!named.ok) return named;
        const document =
          flags.document === undefined ? undefined : readDocument(flags.document, "--document");
        if (document?.ok === false) return document;
        const { description } = flags;
        const answer = await client.call<PolicyAnswer>("PATCH", `/policies/${encodeURIComponent(name)}`, {
          ...(document === undefined ? {} : { document: document.value }),
          ...(description === undefined ? {} : { description }),
        });
        return answer.ok ? ok({ text: `modified policy ${name}\n`, json: answer.value }) : answer;
      },
      words,
    ),
});

const show = buildCommand({
  docs: { brief: "Show a policy and who has it" },
  parameters: { flags: accountFlags, positional: argument("NAME", "Name of the policy") },
  func: (flags: AccountFlags, name: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<PolicyAnswer>("GET", `/policies/${encodeURIComponent(name)}`);
      if (!answer.ok) return answer;
      const { type, description, document, users, groups, roles } = answer.value;
      const facts = formatPairs([
        ["name", name],
        ["type", type],
        ["description", description],
        ["users", users.join(" ")],
        ["groups", groups.join(" ")],
        ["roles", roles.join(" ")],
      ]);
      return ok({ text: `${facts}${document.trim()}\n`, json: answer.value });
    }),
});

const remove = buildCommand({
  docs: { brief: "Delete a policy that nobody has" },
  parameters: { flags: accountFlags, positional: argument("NAME", "Name of the policy") },
  func: (flags: AccountFlags, name: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<object>("DELETE", `/policies/${encodeURIComponent(name)}`);
      return answer.ok ? ok({ text: `deleted policy ${name}\n`, json: answer.value }) : answer;
    }),
});

export const policyCommands = buildRouteMap({
  routes: { list, create, modify, show, delete: remove },
  docs: { brief: "What users, groups and roles may do" },
});
