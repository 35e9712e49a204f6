/** `weir status`: what the running Weir does. */
import { buildCommand } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { ask, type ClientFlags, clientFlags } from "./command.ts";
import { describeTree } from "./ui/tree.ts";

export const statusCommand = buildCommand({
  docs: { brief: "Show what the running Weir does" },
  parameters: { flags: clientFlags },
  func: (flags: ClientFlags) =>
    ask(flags, async (client) => {
      const status = await client.call<Record<string, unknown>>("GET", "/status");
      return status.ok ? ok({ text: describeTree(status.value), json: status.value }) : status;
    }),
});
