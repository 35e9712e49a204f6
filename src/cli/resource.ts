/** `weir resource`: the gateways and interfaces that a flow log can observe. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type ClientFlags, clientFlags } from "./command.ts";
import { formatTable } from "./ui/table.ts";
import { describeTree } from "./ui/tree.ts";

interface ResourceAnswer {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly regionId: string;
  readonly parentId?: string;
  readonly flowLogId?: string;
  readonly present: boolean;
}

interface ListFlags extends ClientFlags {
  readonly all?: boolean;
}

const list = buildCommand({
  docs: {
    brief: "List resources",
    fullDescription:
      "Lists the gateways and interfaces that are there, and those that a flow log is bound to. The state of one that is gone is absent.",
  },
  parameters: {
    flags: {
      ...clientFlags,
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
      const columns = ["ID", "TYPE", "NAME", "REGION", "FLOW LOG", "STATE"].map((title) => ({ title }));
      const resources = answer.value.resources.filter(
        ({ present, flowLogId }) => flags.all === true || present || flowLogId !== undefined,
      );
      const rows = resources.map((resource) => [
        resource.parentId === undefined ? resource.id : `  ${resource.id}`,
        resource.type,
        resource.name,
        resource.regionId,
        resource.flowLogId ?? "-",
        resource.present ? "present" : "absent",
      ]);
      return ok({ text: formatTable(columns, rows), json: { resources } });
    }),
});

const show = buildCommand({
  docs: { brief: "Show one resource" },
  parameters: { flags: clientFlags, positional: argument("ID", "Id of the resource") },
  func: (flags: ClientFlags, id: string) =>
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
  docs: { brief: "Gateways and interfaces that a flow log can observe" },
});
