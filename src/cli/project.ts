/** `weir project`: the log service's projects. */
import { buildCommand, buildRouteMap } from "@stricli/core";

import { ok } from "../base/mod.ts";
import { argument, ask, type AccountFlags, accountFlags, nextLine, textFlag } from "./command.ts";
import type { FlagWords } from "./flag-words.ts";
import { formatTable } from "./ui/table.ts";

interface ProjectAnswer {
  readonly name: string;
  readonly description: string;
  readonly regionId: string;
  /** The name of the log group that it is, of Huawei's log service. */
  readonly logGroup?: string;
  readonly createdTime: string;
}

interface RegionFlags extends AccountFlags {
  readonly region?: string;
}

interface CreateFlags extends RegionFlags {
  readonly description?: string;
}

const regionFlag = textFlag("Region of the project; default this host's", "REGION");

/** The server's names of inputs, as they are given here. */
const words: FlagWords = { project: "NAME", description: "--description", regionId: "--region" };

function regionQuery(flags: RegionFlags): string {
  return flags.region === undefined ? "" : `?regionId=${encodeURIComponent(flags.region)}`;
}

const list = buildCommand({
  docs: { brief: "List projects" },
  parameters: { flags: { ...accountFlags, region: regionFlag } },
  func: (flags: RegionFlags) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<{ projects: ProjectAnswer[] }>(
          "GET",
          `/projects${regionQuery(flags)}`,
        );
        if (!answer.ok) return answer;
        const columns = ["NAME", "REGION", "CREATED", "DESCRIPTION"].map((title) => ({ title }));
        const rows = answer.value.projects.map((project) => [
          project.name,
          project.regionId,
          project.createdTime,
          project.logGroup === undefined ? project.description : `log group ${project.logGroup}`,
        ]);
        return ok({ text: formatTable(columns, rows), json: answer.value });
      },
      words,
    ),
});

const create = buildCommand({
  docs: { brief: "Create a project" },
  parameters: {
    flags: { ...accountFlags, region: regionFlag, description: textFlag("What the project is for", "TEXT") },
    positional: argument("NAME", "Name of the project"),
  },
  func: (flags: CreateFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const answer = await client.call<ProjectAnswer>("POST", `/projects${regionQuery(flags)}`, {
          name,
          ...(flags.description === undefined ? {} : { description: flags.description }),
        });
        if (!answer.ok) return answer;
        const next = nextLine(flags, `./weir logstore create --project ${name} NAME`);
        return ok({ text: `created project ${name}\n${next}`, json: answer.value });
      },
      words,
    ),
});

const remove = buildCommand({
  docs: { brief: "Delete a project with its logstores and all their records" },
  parameters: {
    flags: { ...accountFlags, region: regionFlag },
    positional: argument("NAME", "Name of the project"),
  },
  func: (flags: RegionFlags, name: string) =>
    ask(
      flags,
      async (client) => {
        const path = `/projects/${encodeURIComponent(name)}${regionQuery(flags)}`;
        const answer = await client.call<object>("DELETE", path);
        return answer.ok ? ok({ text: `deleted project ${name}\n`, json: answer.value }) : answer;
      },
      words,
    ),
});

export const projectCommands = buildRouteMap({
  routes: { list, create, delete: remove },
  docs: { brief: "Projects of the log service" },
});
