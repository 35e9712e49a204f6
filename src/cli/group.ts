/** `weir group`: users who share policies. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type AccountFlags, accountFlags, nextLine, textFlag } from "./command.ts";
import type { FlagWords } from "./flag-words.ts";
import { attachCommand, changeHolder, deleteCommand, detachCommand } from "./policy-holder.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

interface GroupAnswer {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly createdTime: string;
  readonly users: readonly string[];
  readonly policies: readonly string[];
}

interface SettingFlags extends AccountFlags {
  readonly description?: string;
}

const settingFlags = { ...accountFlags, description: textFlag("Who is in it", "TEXT") } as const;
const words: FlagWords = { name: "NAME", description: "--description" };

const list = buildCommand({
  docs: { brief: "List groups with their users and policies" },
  parameters: { flags: accountFlags },
  func: (flags: AccountFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ groups: GroupAnswer[] }>("GET", "/groups");
      if (!answer.ok) return answer;
      const columns = ["NAME", "USERS", "POLICIES", "DESCRIPTION"].map((title) => ({ title }));
      const rows = answer.value.groups.map(({ name, users, policies, description }) => [
        name,
        users.join(" "),
        policies.join(" "),
        description,
      ]);
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

const create = buildCommand({
  docs: { brief: "Create a group" },
  parameters: { flags: settingFlags, positional: argument("NAME", "Name of the group") },
  func: (flags: SettingFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const { description } = flags;
        const body = { name, ...(description === undefined ? {} : { description }) };
        const answer = await client.call<GroupAnswer>("POST", "/groups", body);
        if (!answer.ok) return answer;
        const next =
          nextLine(flags, `./weir group attach ${name} POLICY`) +
          nextLine(flags, `./weir group add ${name} USER`);
        return ok({ text: `created group ${name}\n${next}`, json: answer.value });
      },
      words,
    ),
});

const modify = buildCommand({
  docs: { brief: "Change a group's description" },
  parameters: { flags: settingFlags, positional: argument("NAME", "Name of the group") },
  func: (flags: SettingFlags, name: string) =>
    changeHolder("group", name, flags, {
      flags: settingFlags,
      words,
      bodyOf: ({ description }) => ok({ description }),
    }),
});

const show = buildCommand({
  docs: { brief: "Show a group with its users and policies" },
  parameters: { flags: accountFlags, positional: argument("NAME", "Name of the group") },
  func: (flags: AccountFlags, name: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<GroupAnswer>("GET", `/groups/${encodeURIComponent(name)}`);
      if (!answer.ok) return answer;
      const { id, description, createdTime, users, policies } = answer.value;
      const text = formatPairs([
        ["name", name],
        ["id", id],
        ["description", description],
        ["created", createdTime],
        ["users", users.join(" ")],
        ["policies", policies.join(" ")],
      ]);
      return ok({ text, json: answer.value });
    }),
});

function memberCommand(method: "PUT" | "DELETE", brief: string, done: string) {
  return buildCommand({
    docs: { brief },
    parameters: {
      flags: accountFlags,
      positional: {
        kind: "tuple",
        parameters: [
          { parse: String, brief: "Name of the group", placeholder: "NAME" },
          { parse: String, brief: "Name of the user", placeholder: "USER" },
        ],
      },
    },
    func: (flags: AccountFlags, name: string, user: string) =>
      ask(flags, async (client) => {
        const path = `/groups/${encodeURIComponent(name)}/users/${encodeURIComponent(user)}`;
        const answer = await client.call<GroupAnswer>(method, path);
        return answer.ok ? ok({ text: `${done} group ${name}: user ${user}\n`, json: answer.value }) : answer;
      }),
  });
}

export const groupCommands = buildRouteMap({
  routes: {
    list,
    create,
    modify,
    show,
    add: memberCommand("PUT", "Put a user into a group", "joined"),
    remove: memberCommand("DELETE", "Take a user out of a group", "left"),
    attach: attachCommand("group"),
    detach: detachCommand("group"),
    delete: deleteCommand("group", "Delete a group; its users stay"),
  },
  docs: { brief: "Groups of users, who share policies" },
});
