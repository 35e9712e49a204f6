/** `weir resource`: the gateways, VPCs, subnets and interfaces that a flow log can observe. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type AccountFlags, accountFlags } from "./command.ts";
import { branchesOf } from "./resource-tree.ts";
import { formatTable } from "./ui/table.ts";
import { describeTree } from "./ui/tree.ts";

interface ResourceAnswer {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly regionId: string;
  readonly parentId?: string;
  readonly cidrs: readonly string[];
  /** Of the flow logs that observe it itself. */
  readonly flowLogIds: readonly string[];
  readonly present: boolean;
}

interface ListFlags extends AccountFlags {
  readonly all?: boolean;
}

const list = buildCommand({
  docs: {
    brief: "List resources as a tree",
    fullDescription:
      "Lists the gateways, and the VPCs with their subnets and the interfaces in them, that are there or that a flow log observes. The state of one that is gone is absent.",
  },
  parameters: {
    flags: {
      ...accountFlags,
      all: {
        kind: "boolean",
        brief: "List those too that are gone and carry no flow log",
        optional: true,
        withNegated: false,
      },
    },
  },
  func: (flags: ListFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ resources: ResourceAnswer[] }>("GET", "/resources");
      if (!answer.ok) return answer;
      const columns = ["ID", "TYPE", "NAME", "NETWORK", "REGION", "FLOW LOG", "STATE"];
      const branches = branchesOf(answer.value.resources).filter(
        ({ resource: { present, flowLogIds } }) => flags.all === true || present || flowLogIds.length > 0,
      );
      const rows = branches.map(({ resource, depth }) => [
        `${"  ".repeat(depth)}${resource.id}`,
        resource.type,
        resource.name,
        resource.cidrs.join(" ") || "-",
        resource.regionId,
        resource.flowLogIds.join(" ") || "-",
        resource.present ? "present" : "absent",
      ]);
      const text = formatTable(
        columns.map((title) => ({ title, widthMax: 40 })),
        rows,
      );
      return ok({ text, json: { resources: branches.map(({ resource }) => resource) } });
    }),
});

const show = buildCommand({
  docs: { brief: "Show one resource" },
  parameters: { flags: accountFlags, positional: argument("ID", "Id of the resource") },
  func: (flags: AccountFlags, id: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<Record<string, unknown>>(
        "GET",
        `/resources/${encodeURIComponent(id)}`,
      );
      return answer.ok ? ok({ text: describeTree(answer.value), json: answer.value }) : answer;
    }),
});

export const resourceCommands = buildRouteMap({
  routes: { list, show },
  docs: { brief: "Gateways, VPCs, subnets and interfaces that a flow log can observe" },
});
