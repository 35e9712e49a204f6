/** `weir resource-group`: the groups that an account gathers its flow logs in. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type AccountFlags, accountFlags } from "./command.ts";
import { formatTable } from "./ui/table.ts";

interface ResourceGroupAnswer {
  readonly id: string;
  readonly name: string;
  readonly isDefault: boolean;
  readonly createdTime: string;
}

const list = buildCommand({
  docs: { brief: "List resource groups" },
  parameters: { flags: accountFlags },
  func: (flags: AccountFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ resourceGroups: ResourceGroupAnswer[] }>("GET", "/resource-groups");
      if (!answer.ok) return answer;
      const rows = answer.value.resourceGroups.map(({ id, name, createdTime }) => [id, name, createdTime]);
      const columns = [{ title: "ID" }, { title: "NAME" }, { title: "CREATED" }];
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

const create = buildCommand({
  docs: { brief: "Create a resource group" },
  parameters: { flags: accountFlags, positional: argument("NAME", "Its name, which no other of them has") },
  func: (flags: AccountFlags, name: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<ResourceGroupAnswer>("POST", "/resource-groups", { name });
      return answer.ok
        ? ok({ text: `created resource group ${answer.value.id}\n`, json: answer.value })
        : answer;
    }),
});

const remove = buildCommand({
  docs: { brief: "Delete a resource group that nothing is in" },
  parameters: { flags: accountFlags, positional: argument("ID", "Id of the resource group") },
  func: (flags: AccountFlags, id: string) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<object>("DELETE", `/resource-groups/${encodeURIComponent(id)}`);
        return answer.ok ? ok({ text: `deleted resource group ${id}\n`, json: answer.value }) : answer;
      },
      { resourceGroupId: "ID" },
    ),
});

export const resourceGroupCommands = buildRouteMap({
  routes: { list, create, delete: remove },
  docs: { brief: "Groups of flow logs" },
});
