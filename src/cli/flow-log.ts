/** `weir flow-log`: create, list, show and change flow logs of the running Weir. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { fail, ok, type Result } from "../base/mod.ts";
import type { Client } from "./client.ts";
import {
  argument,
  ask,
  type Answer,
  type AccountFlags,
  accountFlags,
  nextLine,
  requireChange,
  textFlag,
} from "./command.ts";
import { inFlagWords } from "./flag-words.ts";
import { type FlowLogAnswer, describeFlowLog, flowLogTable } from "./flow-log-text.ts";
import {
  patchFrom,
  requireOutput,
  type SettingFlags,
  settingFlags,
  settingWords,
} from "./flow-log-settings.ts";

interface CreateFlags extends AccountFlags, SettingFlags {
  readonly region?: string;
  readonly resource?: readonly string[];
  readonly on?: string;
}

const idArgument = argument("ID", "Id of the flow log");

function pathOf(id: string, rest = ""): string {
  return `/flow-logs/${encodeURIComponent(id)}${rest}`;
}

function bindingPath(id: string, resource: string): string {
  return pathOf(id, `/resources/${encodeURIComponent(resource)}`);
}

const create = buildCommand({
  docs: {
    brief: "Create a flow log",
    fullDescription:
      "Creates an active flow log. With --on it observes a VPC, a subnet or an interface for good, as those of the VPC service do. Without, it observes nothing until it is associated with a resource: name one here with --resource, or later with ./weir flow-log associate.",
  },
  parameters: {
    flags: {
      ...accountFlags,
      ...settingFlags,
      region: textFlag("Region of the flow log; default this host's", "REGION"),
      on: textFlag("Make it on this VPC, subnet or interface, with a record for each flow and window", "ID"),
      resource: {
        kind: "parsed",
        parse: String,
        brief: "Associate it with this resource; may be repeated",
        placeholder: "ID",
        optional: true,
        variadic: true,
      },
    },
  },
  func: (flags: CreateFlags) => ask(flags, (client) => createFlowLog(client, flags), settingWords),
});

/** What is refused leaves nothing behind: resources are looked at first, and a flow log that could not be bound goes. */
async function createFlowLog(client: Client, flags: CreateFlags): Promise<Result<Answer>> {
  const { resource: resources = [] } = flags;
  const output = requireOutput(flags);
  if (!output.ok) return output;
  const patch = patchFrom(flags);
  if (!patch.ok) return patch;
  for (const resource of resources) {
    const free = await checkResource(client, resource);
    if (!free.ok) return free;
  }
  const created = await client.call<FlowLogAnswer>("POST", "/flow-logs", {
    ...(flags.region === undefined ? {} : { regionId: flags.region }),
    ...(flags.on === undefined ? {} : { targetId: flags.on }),
    settings: patch.value,
  });
  if (!created.ok) return created;
  const { id } = created.value;
  for (const [index, resource] of resources.entries()) {
    const bound = await client.call("PUT", bindingPath(id, resource));
    if (bound.ok) continue;
    for (const other of resources.slice(0, index)) await client.call("DELETE", bindingPath(id, other));
    const removed = await client.call("DELETE", pathOf(id));
    if (removed.ok) return bound;
    const message = `${bound.fault.message}; the flow log ${id} was created and could not be deleted again`;
    return { ok: false, fault: { ...bound.fault, message } };
  }
  const next =
    resources.length === 0 && flags.on === undefined
      ? `./weir flow-log associate ${id} RESOURCE`
      : `./weir flow-log show ${id}`;
  return shown(client, id, `created flow log ${id}\n${nextLine(flags, next)}`);
}

/** Whether a flow log can be bound to a resource, as far as that is known before there is one. */
async function checkResource(client: Client, id: string): Promise<Result<void>> {
  const path = `/resources/${encodeURIComponent(id)}`;
  const found = await client.call<{ present: boolean; flowLogId?: string }>("GET", path);
  if (!found.ok) return inFlagWords(found, { id: "--resource" });
  const { present, flowLogId } = found.value;
  const details = {
    field: "--resource",
    value: id,
    remedy: "./weir resource list shows those that there are, and the flow log of each",
  };
  if (flowLogId !== undefined) {
    return fail("ResourceAlreadyAssociated", `${id} is already associated with ${flowLogId}`, details);
  }
  return present ? ok(undefined) : fail("ResourceNotFound", `${id} is not there at present`, details);
}

/** The flow log as it now is, under a text of its own. */
async function shown(client: Client, id: string, text: string): Promise<Result<Answer>> {
  const answer = await client.call<FlowLogAnswer>("GET", pathOf(id));
  return answer.ok ? ok({ text, json: answer.value }) : answer;
}

const list = buildCommand({
  docs: { brief: "List flow logs of every service and region" },
  parameters: { flags: accountFlags },
  func: (flags: AccountFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ flowLogs: FlowLogAnswer[] }>("GET", "/flow-logs");
      return answer.ok ? ok({ text: flowLogTable(answer.value.flowLogs), json: answer.value }) : answer;
    }),
});

const show = buildCommand({
  docs: { brief: "Show a flow log: its settings, resources and deliveries" },
  parameters: { flags: accountFlags, positional: idArgument },
  func: (flags: AccountFlags, id: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<FlowLogAnswer>("GET", pathOf(id));
      return answer.ok ? ok({ text: describeFlowLog(answer.value), json: answer.value }) : answer;
    }),
});

const update = buildCommand({
  docs: {
    brief: "Change settings of a flow log; what is not named stays",
    fullDescription:
      "Changes settings of a flow log, also while it runs: flows under way are cut and delivered first. An output that is switched off keeps its settings.",
  },
  parameters: { flags: { ...accountFlags, ...settingFlags }, positional: idArgument },
  func: (flags: AccountFlags & SettingFlags, id: string) =>
    ask(
      flags,
      async (client) => {
        const named = requireChange(flags, settingFlags);
        if (!named.ok) return named;
        const patch = patchFrom(flags);
        if (!patch.ok) return patch;
        const answer = await client.call<FlowLogAnswer>("PATCH", pathOf(id), { settings: patch.value });
        if (!answer.ok) return answer;
        return ok({ text: `updated flow log ${id}\n`, json: answer.value });
      },
      settingWords,
    ),
});

const remove = buildCommand({
  docs: { brief: "Delete a flow log that is associated with nothing, or was made on a resource" },
  parameters: { flags: accountFlags, positional: idArgument },
  func: (flags: AccountFlags, id: string) =>
    ask(flags, async (client) => {
      const answer = await client.call("DELETE", pathOf(id));
      return answer.ok ? ok({ text: `deleted flow log ${id}\n`, json: answer.value }) : answer;
    }),
});

function actionCommand(action: "activate" | "deactivate", brief: string) {
  return buildCommand({
    docs: { brief },
    parameters: { flags: accountFlags, positional: idArgument },
    func: (flags: AccountFlags, id: string) =>
      ask(flags, async (client) => {
        const answer = await client.call("POST", pathOf(id, `/${action}`));
        return answer.ok ? ok({ text: `${action}d flow log ${id}\n`, json: answer.value }) : answer;
      }),
  });
}

function bindingCommand(method: "PUT" | "DELETE", brief: string, done: string) {
  return buildCommand({
    docs: { brief },
    parameters: {
      flags: accountFlags,
      positional: {
        kind: "tuple",
        parameters: [
          { parse: String, brief: "Id of the flow log", placeholder: "ID" },
          { parse: String, brief: "Id of the resource", placeholder: "RESOURCE" },
        ],
      },
    },
    func: (flags: AccountFlags, id: string, resource: string) =>
      ask(flags, async (client) => {
        const answer = await client.call(method, bindingPath(id, resource));
        return answer.ok ? ok({ text: `${done} ${id} and ${resource}\n`, json: answer.value }) : answer;
      }),
  });
}

/** A flow log, then words of one kind. */
function wordsArgument<const Placeholder extends string>(
  placeholder: Placeholder,
  brief: string,
  minimum: number,
) {
  return {
    kind: "array",
    parameter: { parse: String, brief: `Id of the flow log, then ${brief}`, placeholder },
    minimum,
  } as const;
}

const tag = buildCommand({
  docs: { brief: "Give a flow log tags, or those that it has new values" },
  parameters: { flags: accountFlags, positional: wordsArgument("ID KEY=VALUE", "each tag", 2) },
  func: (flags: AccountFlags, id: string, ...words: string[]) =>
    ask(flags, async (client) => {
      const tags = Object.fromEntries(words.map((word) => splitTag(word)));
      const answer = await client.call("POST", pathOf(id, "/tag"), { tags });
      return answer.ok ? ok({ text: `tagged flow log ${id}\n`, json: answer.value }) : answer;
    }),
});

function splitTag(word: string): [key: string, value: string] {
  const at = word.indexOf("=");
  return at === -1 ? [word, ""] : [word.slice(0, at), word.slice(at + 1)];
}

const untag = buildCommand({
  docs: { brief: "Take tags of a flow log away; all of them if no key is named" },
  parameters: { flags: accountFlags, positional: wordsArgument("ID KEY", "the key of each tag", 1) },
  func: (flags: AccountFlags, id: string, ...keys: string[]) =>
    ask(flags, async (client) => {
      const answer = await client.call("POST", pathOf(id, "/untag"), keys.length === 0 ? {} : { keys });
      return answer.ok ? ok({ text: `untagged flow log ${id}\n`, json: answer.value }) : answer;
    }),
});

const move = buildCommand({
  docs: { brief: "Move a flow log into another resource group" },
  parameters: {
    flags: accountFlags,
    positional: {
      kind: "tuple",
      parameters: [
        { parse: String, brief: "Id of the flow log", placeholder: "ID" },
        { parse: String, brief: "Id of the resource group", placeholder: "GROUP" },
      ],
    },
  },
  func: (flags: AccountFlags, id: string, resourceGroupId: string) =>
    ask(flags, async (client) => {
      const answer = await client.call("POST", pathOf(id, "/move"), { resourceGroupId });
      return answer.ok ? ok({ text: `moved ${id} to ${resourceGroupId}\n`, json: answer.value }) : answer;
    }),
});

export const flowLogCommands = buildRouteMap({
  routes: {
    create,
    list,
    show,
    update,
    delete: remove,
    activate: actionCommand("activate", "Start metering for a flow log again"),
    deactivate: actionCommand("deactivate", "Stop metering for a flow log; its settings stay"),
    associate: bindingCommand("PUT", "Let a flow log observe a resource", "associated"),
    disassociate: bindingCommand("DELETE", "End a flow log's observation of a resource", "disassociated"),
    tag,
    untag,
    move,
  },
  docs: { brief: "Create, list and change flow logs" },
});
