/** `weir access-key`: the keys that SDKs sign with. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type AccountFlags, accountFlags, nextLine, textFlag } from "./command.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

interface AccessKeyAnswer {
  readonly accessKeyId: string;
  readonly accessKeySecret?: string;
  /** Whose it is; absent, the account's own. */
  readonly user?: string;
  readonly status: string;
  readonly createdTime: string;
}

interface CreateFlags extends AccountFlags {
  readonly user?: string;
}

interface RotateFlags extends AccountFlags {
  readonly disable?: boolean;
}

/** The only text that ever holds the secret. */
function secretText({ accessKeyId, accessKeySecret = "" }: AccessKeyAnswer): string {
  const text = formatPairs([
    ["access key id", accessKeyId],
    ["access key secret", accessKeySecret],
  ]);
  return `${text}Note the secret down: it is not shown again.\n`;
}

const create = buildCommand({
  docs: {
    brief: "Create an access key; its secret is shown this once",
    fullDescription:
      "Creates an access key and shows its secret this once. Without --user the key is the account's own, which may do everything.",
  },
  parameters: { flags: { ...accountFlags, user: textFlag("The user that the key is for", "NAME") } },
  func: (flags: CreateFlags) =>
    ask(
      flags,
      async (client) => {
        const body = flags.user === undefined ? {} : { user: flags.user };
        const answer = await client.call<AccessKeyAnswer>("POST", "/access-keys", body);
        return answer.ok ? ok({ text: secretText(answer.value), json: answer.value }) : answer;
      },
      { user: "--user" },
    ),
});

const rotate = buildCommand({
  docs: {
    brief: "Create another access key for whom one is for",
    fullDescription:
      "Creates another access key for the owner of ID and shows its secret this once. The old one goes on, so that programs can be given the new one first; disable it then, or at once with --disable.",
  },
  parameters: {
    flags: {
      ...accountFlags,
      disable: {
        kind: "boolean",
        brief: "Disable the old key at once",
        optional: true,
        withNegated: false,
      },
    },
    positional: argument("ID", "Id of the access key"),
  },
  func: (flags: RotateFlags, id: string) =>
    ask(flags, async (client) => {
      const { disable = false } = flags;
      const path = `/access-keys/${encodeURIComponent(id)}/rotate`;
      const answer = await client.call<AccessKeyAnswer>("POST", path, { disable });
      if (!answer.ok) return answer;
      const next = disable ? "" : nextLine(flags, `./weir access-key disable ${id}`);
      return ok({ text: secretText(answer.value) + next, json: answer.value });
    }),
});

const list = buildCommand({
  docs: { brief: "List access keys" },
  parameters: { flags: accountFlags },
  func: (flags: AccountFlags) =>
    ask(flags, async (client) => {
      const answer = await client.call<{ accessKeys: AccessKeyAnswer[] }>("GET", "/access-keys");
      if (!answer.ok) return answer;
      const rows = answer.value.accessKeys.map(({ accessKeyId, user = "", status, createdTime }) => [
        accessKeyId,
        status,
        createdTime,
        user,
      ]);
      const columns = ["ID", "STATUS", "CREATED", "USER"].map((title) => ({ title }));
      return ok({ text: formatTable(columns, rows), json: answer.value });
    }),
});

function statusCommand(status: "active" | "inactive", brief: string, done: string) {
  return buildCommand({
    docs: { brief },
    parameters: { flags: accountFlags, positional: argument("ID", "Id of the access key") },
    func: (flags: AccountFlags, id: string) =>
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
  parameters: { flags: accountFlags, positional: argument("ID", "Id of the access key") },
  func: (flags: AccountFlags, id: string) =>
    ask(flags, async (client) => {
      const answer = await client.call<object>("DELETE", `/access-keys/${encodeURIComponent(id)}`);
      return answer.ok ? ok({ text: `deleted ${id}\n`, json: answer.value }) : answer;
    }),
});

export const accessKeyCommands = buildRouteMap({
  routes: {
    create,
    list,
    rotate,
    enable: statusCommand("active", "Enable a disabled access key", "enabled"),
    disable: statusCommand("inactive", "Disable an access key: what it signs is refused", "disabled"),
    delete: remove,
  },
  docs: { brief: "Keys that SDKs sign with" },
});
