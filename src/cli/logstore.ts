/** `weir logstore`: the logstores of a project. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import {
  argument,
  ask,
  type AccountFlags,
  accountFlags,
  integerFlag,
  nextLine,
  textFlag,
} from "./command.ts";
import type { FlagWords } from "./flag-words.ts";
import { formatTable } from "./ui/table.ts";

interface LogstoreAnswer {
  readonly name: string;
  readonly retentionDays: number;
  readonly createdTime: string;
}

interface ProjectFlags extends AccountFlags {
  readonly project: string;
  readonly region?: string;
}

interface CreateFlags extends ProjectFlags {
  readonly retentionDays?: number;
}

const projectFlags = {
  ...accountFlags,
  project: { kind: "parsed", parse: String, brief: "Name of the project", placeholder: "PROJECT" },
  region: textFlag("Region of the project; default this host's", "REGION"),
} as const;

/** The server's names of inputs, as they are given here. */
const words: FlagWords = {
  project: "--project",
  logstore: "NAME",
  regionId: "--region",
  ttl: "--retention-days",
};

function pathOf(flags: ProjectFlags, name?: string): string {
  const region = flags.region === undefined ? "" : `?regionId=${encodeURIComponent(flags.region)}`;
  const logstore = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  return `/projects/${encodeURIComponent(flags.project)}/logstores${logstore}${region}`;
}

const list = buildCommand({
  docs: { brief: "List the logstores of a project" },
  parameters: { flags: projectFlags },
  func: (flags: ProjectFlags) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<{ logstores: LogstoreAnswer[] }>("GET", pathOf(flags));
        if (!answer.ok) return answer;
        const columns = [
          { title: "NAME" },
          { title: "RETENTION DAYS", align: "right" },
          { title: "CREATED" },
        ] as const;
        const rows = answer.value.logstores.map((logstore) => [
          logstore.name,
          `${logstore.retentionDays}`,
          logstore.createdTime,
        ]);
        return ok({ text: formatTable(columns, rows), json: answer.value });
      },
      words,
    ),
});

const create = buildCommand({
  docs: { brief: "Create a logstore" },
  parameters: {
    flags: { ...projectFlags, retentionDays: integerFlag("Days that a record is kept", "DAYS") },
    positional: argument("NAME", "Name of the logstore"),
  },
  func: (flags: CreateFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<LogstoreAnswer>("POST", pathOf(flags), {
          name,
          ...(flags.retentionDays === undefined ? {} : { retentionDays: flags.retentionDays }),
        });
        if (!answer.ok) return answer;
        const next = nextLine(flags, `./weir flow-log create --name NAME --log ${flags.project}/${name}`);
        return ok({
          text: `created logstore ${name} in ${flags.project}\n${next}`,
          json: answer.value,
        });
      },
      words,
    ),
});

const remove = buildCommand({
  docs: { brief: "Delete a logstore and all its records" },
  parameters: { flags: projectFlags, positional: argument("NAME", "Name of the logstore") },
  func: (flags: ProjectFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<object>("DELETE", pathOf(flags, name));
        if (!answer.ok) return answer;
        return ok({ text: `deleted logstore ${name} of ${flags.project}\n`, json: answer.value });
      },
      words,
    ),
});

export const logstoreCommands = buildRouteMap({
  routes: { list, create, delete: remove },
  docs: { brief: "Logstores of a project" },
});
