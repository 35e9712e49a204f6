/** `weir account`: who owns flow logs, resources, log projects and users, apart from each other. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type ClientFlags, clientFlags, nextLine } from "./command.ts";
import { formatTable } from "./ui/table.ts";

interface AccountAnswer {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly createdTime: string;
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

export const accountCommands = buildRouteMap({
  routes: { list, create },
  docs: { brief: "Accounts, each with what is its own" },
});
