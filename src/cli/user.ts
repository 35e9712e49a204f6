/** `weir user`: who may use the account besides itself. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type AccountFlags, accountFlags, nextLine, textFlag } from "./command.ts";
import type { FlagWords } from "./flag-words.ts";
import { attachCommand, changeHolder, deleteCommand, detachCommand } from "./policy-holder.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

interface UserAnswer {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly createdTime: string;
  readonly groups: readonly string[];
  readonly policies: readonly string[];
  readonly accessKeyIds: readonly string[];
}

interface SettingFlags extends AccountFlags {
  readonly displayName?: string;
}

const settingFlags = { ...accountFlags, displayName: textFlag("Whose it is", "TEXT") } as const;
const words: FlagWords = { name: "NAME", displayName: "--display-name" };

const list = buildCommand({
  docs: { brief: "List users" },
  parameters: { flags: accountFlags },
  func: (flags: AccountFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ users: UserAnswer[] }>("GET", "/users");
      if (!answer.ok) return answer;
      const columns = ["NAME", "ID", "GROUPS", "POLICIES", "CREATED"].map((title) => ({ title }));
      const rows = answer.value.users.map(({ name, id, groups, policies, createdTime }) => [
        name,
        id,
        groups.join(" "),
        policies.join(" "),
        createdTime,
      ]);
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

const create = buildCommand({
  docs: { brief: "Create a user, who may nothing until it has a policy" },
  parameters: { flags: settingFlags, positional: argument("NAME", "Name of the user") },
  func: (flags: SettingFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const { displayName } = flags;
        const body = { name, ...(displayName === undefined ? {} : { displayName }) };
        const answer = await client.call<UserAnswer>("POST", "/users", body);
        if (!answer.ok) return answer;
        const next =
          nextLine(flags, `./weir user attach ${name} POLICY`) +
          nextLine(flags, `./weir access-key create --user ${name}`);
        return ok({ text: `created user ${name}\n${next}`, json: answer.value });
      },
      words,
    ),
});

const modify = buildCommand({
  docs: { brief: "Change a user's display name" },
  parameters: { flags: settingFlags, positional: argument("NAME", "Name of the user") },
  func: (flags: SettingFlags, name: string) =>
    changeHolder("user", name, flags, {
      flags: settingFlags,
      words,
      bodyOf: ({ displayName }) => ok({ displayName }),
    }),
});

const show = buildCommand({
  docs: { brief: "Show a user with its policies and access keys" },
  parameters: { flags: accountFlags, positional: argument("NAME", "Name of the user") },
  func: (flags: AccountFlags, name: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<UserAnswer>("GET", `/users/${encodeURIComponent(name)}`);
      if (!answer.ok) return answer;
      const { id, displayName, createdTime, groups, policies, accessKeyIds } = answer.value;
      const text = formatPairs([
        ["name", name],
        ["id", id],
        ["display name", displayName],
        ["created", createdTime],
        ["groups", groups.join(" ")],
        ["policies", policies.join(" ")],
        ["access keys", accessKeyIds.join(" ")],
      ]);
      return ok({ text, json: answer.value });
    }),
});

export const userCommands = buildRouteMap({
  routes: {
    list,
    create,
    modify,
    show,
    attach: attachCommand("user"),
    detach: detachCommand("user"),
    delete: deleteCommand("user", "Delete a user with its access keys"),
  },
  docs: { brief: "Users of the account, each with rights of its own" },
});
