/** Projects and logstores of the log service, of an account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import { noRegion } from "../../../control/mod.ts";
import type { Logstore, LogProject, ProjectKey } from "../../../control/logproject/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { checkLogRegion } from "./log-region.ts";
import { accountReader, parseInput, timeText } from "./input.ts";

const querySchema = z.strictObject({
  regionId: z.string().exactOptional(),
  accountId: z.string().exactOptional(),
});
const projectSchema = z.strictObject({ name: z.string(), description: z.string().exactOptional() });
const logstoreSchema = z.strictObject({ name: z.string(), retentionDays: z.number().exactOptional() });

interface ProjectParams {
  readonly project: string;
}

interface LogstoreParams extends ProjectParams {
  readonly logstore: string;
}

export function logProjectRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { control, retentionDays } = dependencies;
  const { logProjects } = control;
  const accountOf = accountReader(control);
  const regionOf = (query: unknown): string | undefined => {
    const { regionId } = unwrap(parseInput(querySchema, query));
    return regionId === undefined ? undefined : unwrap(checkLogRegion(control.regions, regionId));
  };
  /** Log groups are made by their own service alone. */
  const checkOwn = ({ regionId }: ProjectKey): void => {
    if (!control.regions.has("logService", regionId)) {
      unwrap(noRegion(control.regions, "logService", regionId));
    }
  };
  const keyOf = (query: unknown, project: string): ProjectKey => ({
    accountId: accountOf({ query }),
    regionId: regionOf(query) ?? control.regionId,
    project,
  });

  server.get("/projects", async ({ query }) => {
    const regionId = regionOf(query);
    const accountId = accountOf({ query });
    const filter = regionId === undefined ? { accountId } : { accountId, regionId };
    return { projects: logProjects.listProjects(filter).map(describeProject) };
  });
  server.post("/projects", async ({ query, body }, reply) => {
    const { name, ...rest } = unwrap(parseInput(projectSchema, body));
    const key = keyOf(query, name);
    checkOwn(key);
    const created = unwrap(logProjects.createProject({ ...key, ...rest }));
    reply.code(201);
    return describeProject(created);
  });
  server.delete<{ Params: ProjectParams }>("/projects/:project", async ({ params, query }) => {
    unwrap(logProjects.deleteProject(keyOf(query, params.project)));
    return {};
  });
  server.get<{ Params: ProjectParams }>("/projects/:project/logstores", async ({ params, query }) => ({
    logstores: unwrap(logProjects.listLogstores(keyOf(query, params.project))).map(describeLogstore),
  }));
  server.post<{ Params: ProjectParams }>(
    "/projects/:project/logstores",
    async ({ params, query, body }, reply) => {
      const { name, ...rest } = unwrap(parseInput(logstoreSchema, body));
      const key = { ...keyOf(query, params.project), logstore: name };
      checkOwn(key);
      const created = unwrap(logProjects.createLogstore({ ...key, retentionDays, ...rest }));
      reply.code(201);
      return describeLogstore(created);
    },
  );
  server.delete<{ Params: LogstoreParams }>(
    "/projects/:project/logstores/:logstore",
    async ({ params, query }) => {
      unwrap(logProjects.deleteLogstore({ ...keyOf(query, params.project), logstore: params.logstore }));
      return {};
    },
  );
}

function describeProject({ name, description, regionId, group, createdMs }: LogProject): object {
  const logGroup = group === undefined ? {} : { logGroup: group.name };
  return { name, description, regionId, ...logGroup, createdTime: timeText(createdMs) };
}

function describeLogstore({ name, retentionDays, settings, createdMs }: Logstore): object {
  const logStream = settings.stream === undefined ? {} : { logStream: settings.stream.name };
  return { name, retentionDays, ...logStream, createdTime: timeText(createdMs) };
}
