/** `weir account`: who owns flow logs, resources, log projects and users, apart from each other. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type ClientFlags, clientFlags, nextLine } from "./command.ts";
import type { FlagWords } from "./flag-words.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

interface AccountAnswer {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly resourceGroupId: string;
  readonly createdTime: string;
}

const accountArgument = argument("ACCOUNT", "Its id or name");
const words: FlagWords = { accountId: "ACCOUNT" };

function pathOf(account: string): string {
  return `/accounts/${encodeURIComponent(account)}`;
}

const list = buildCommand({
  docs: { brief: "List accounts" },
  parameters: { flags: clientFlags },
  func: (flags: ClientFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ accounts: AccountAnswer[] }>("GET", "/accounts");
      if (!answer.ok) return answer;
      const rows = answer.value.accounts.map(({ id, name, isDefault, createdTime }) => [
        id,
        name,
        createdTime,
        isDefault ? "the installation's" : "",
      ]);
      const columns = ["ID", "NAME", "CREATED", ""].map((title) => ({ title }));
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

const create = buildCommand({
  docs: {
    brief: "Create an account",
    fullDescription:
      "Creates an account, which sees nothing of the others and they nothing of it. The commands about what an account has take its id or name as --account.",
  },
  parameters: { flags: clientFlags, positional: argument("NAME", "Its name, which no other account has") },
  func: (flags: ClientFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<AccountAnswer>("POST", "/accounts", { name });
        if (!answer.ok) return answer;
        const next = nextLine({ ...flags, account: name }, "./weir access-key create");
        return ok({ text: `created account ${answer.value.id}\n${next}`, json: answer.value });
      },
      { name: "NAME" },
    ),
});

const show = buildCommand({
  docs: { brief: "Show an account" },
  parameters: { flags: clientFlags, positional: accountArgument },
  func: (flags: ClientFlags, account: string) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<AccountAnswer>("GET", pathOf(account));
        if (!answer.ok) return answer;
        const { id, name, isDefault, resourceGroupId, createdTime } = answer.value;
        const text = formatPairs([
          ["name", name],
          ["id", id],
          ["created", createdTime],
          ["resource group", resourceGroupId],
          ["the installation's", isDefault ? "yes" : "no"],
        ]);
        return ok({ text, json: answer.value });
      },
      words,
    ),
});

const remove = buildCommand({
  docs: {
    brief: "Delete an account that has nothing left",
    fullDescription:
      "Deletes an account once its flow logs, log projects, users, groups, roles, policies, resource groups and access keys are deleted and the configuration declares no resources of it; what is left is named. The installation's account stays.",
  },
  parameters: { flags: clientFlags, positional: accountArgument },
  func: (flags: ClientFlags, account: string) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<object>("DELETE", pathOf(account));
        return answer.ok ? ok({ text: `deleted account ${account}\n`, json: answer.value }) : answer;
      },
      words,
    ),
});

export const accountCommands = buildRouteMap({
  routes: { list, create, show, delete: remove },
  docs: { brief: "Accounts, each with what is its own" },
});
