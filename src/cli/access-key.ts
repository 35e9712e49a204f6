/** `weir access-key`: the keys that SDKs sign with. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type ClientFlags, clientFlags } from "./command.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

interface AccessKeyAnswer {
  readonly accessKeyId: string;
  readonly accessKeySecret?: string;
  readonly status: string;
  readonly createdTime: string;
}

const create = buildCommand({
  docs: { brief: "Create an access key; its secret is shown this once" },
  parameters: { flags: clientFlags },
  func: (flags: ClientFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<AccessKeyAnswer>("POST", "/access-keys", {});
      if (!answer.ok) return answer;
      const text = formatPairs([
        ["access key id", answer.value.accessKeyId],
        ["access key secret", answer.value.accessKeySecret ?? ""],
      ]);
      return ok({ text: `${text}Note the secret down: it is not shown again.\n`, json: answer.value });
    }),
});

const list = buildCommand({
  docs: { brief: "List access keys" },
  parameters: { flags: clientFlags },
  func: (flags: ClientFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ accessKeys: AccessKeyAnswer[] }>("GET", "/access-keys");
      if (!answer.ok) return answer;
      const rows = answer.value.accessKeys.map((key) => [key.accessKeyId, key.status, key.createdTime]);
      const columns = [{ title: "ID" }, { title: "STATUS" }, { title: "CREATED" }];
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

function statusCommand(status: "active" | "inactive", brief: string, done: string) {
  return buildCommand({
    docs: { brief },
    parameters: { flags: clientFlags, positional: argument("ID", "Id of the access key") },
    func: (flags: ClientFlags, id: string) =>
      ask(flags, async (client) => {
        const answer = await client.call<AccessKeyAnswer>("PATCH", `/access-keys/${encodeURIComponent(id)}`, {
          status,
        });
        return answer.ok ? ok({ text: `${done} ${id}\n`, json: answer.value }) : answer;
      }),
  });
}

const remove = buildCommand({
  docs: { brief: "Delete an access key" },
  parameters: { flags: clientFlags, positional: argument("ID", "Id of the access key") },
  func: (flags: ClientFlags, id: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<object>("DELETE", `/access-keys/${encodeURIComponent(id)}`);
      return answer.ok ? ok({ text: `deleted ${id}\n`, json: answer.value }) : answer;
    }),
});

export const accessKeyCommands = buildRouteMap({
  routes: {
    create,
    list,
    enable: statusCommand("active", "Enable a disabled access key", "enabled"),
    disable: statusCommand("inactive", "Disable an access key: what it signs is refused", "disabled"),
    delete: remove,
  },
  docs: { brief: "Keys that SDKs sign with" },
});
