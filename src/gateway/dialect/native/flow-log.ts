/** Flow logs: every region's and service's are listed; those made here belong to the SAG service. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { fail, ok, type Result, unwrap } from "../../../base/mod.ts";
import type { FlowLog, FlowLogPatch } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";
import { findResource } from "./resource.ts";

interface FlowLogParams {
  readonly id: string;
}

interface BindingParams extends FlowLogParams {
  readonly resourceId: string;
}

/** The core judges the values; here only the shape is. */
const settingsSchema = z.strictObject({
  name: z.string().exactOptional(),
  description: z.string().exactOptional(),
  policy: z
    .strictObject({
      activeTimeoutS: z.number().exactOptional(),
      inactiveTimeoutS: z.number().exactOptional(),
    })
    .exactOptional(),
  outputs: z
    .strictObject({
      logService: z
        .strictObject({
          enabled: z.boolean().exactOptional(),
          regionId: z.string().exactOptional(),
          project: z.string().exactOptional(),
          logstore: z.string().exactOptional(),
        })
        .exactOptional(),
      netflow: z
        .strictObject({
          enabled: z.boolean().exactOptional(),
          address: z.string().exactOptional(),
          port: z.number().exactOptional(),
          version: z.union([z.literal(5), z.literal(9), z.literal(10)]).exactOptional(),
        })
        .exactOptional(),
    })
    .exactOptional(),
});

const createSchema = z.strictObject({ regionId: z.string().exactOptional(), settings: settingsSchema });
const modifySchema = z.strictObject({ settings: settingsSchema });

const service = "sag" as const;

export function flowLogRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { control } = dependencies;
  const { flowLogs } = control;
  const answer = (flowLog: FlowLog): object => describe(flowLog, dependencies);
  const found = (id: string): FlowLog => unwrap(findFlowLog(dependencies, id));

  server.get("/flow-logs", async () => ({ flowLogs: flowLogs.all().map(answer) }));
  server.post("/flow-logs", async (request, reply) => {
    const { regionId = control.regionId, settings } = unwrap(parseInput(createSchema, request.body));
    const scope = { accountId: control.accounts.default.id, regionId, service };
    const created = unwrap(flowLogs.create(scope, withLogRegion(settings, regionId)));
    reply.code(201);
    return answer(created);
  });
  server.get<{ Params: FlowLogParams }>("/flow-logs/:id", async ({ params }) => answer(found(params.id)));
  server.patch<{ Params: FlowLogParams }>("/flow-logs/:id", async ({ params, body }) => {
    const { settings } = unwrap(parseInput(modifySchema, body));
    const flowLog = found(params.id);
    return answer(unwrap(flowLogs.modify(flowLog, flowLog.id, settings)));
  });
  server.delete<{ Params: FlowLogParams }>("/flow-logs/:id", async ({ params }) => {
    unwrap(flowLogs.remove(found(params.id), params.id));
    return {};
  });
  server.post<{ Params: FlowLogParams }>("/flow-logs/:id/activate", async ({ params }) =>
    answer(unwrap(flowLogs.activate(found(params.id), params.id))),
  );
  server.post<{ Params: FlowLogParams }>("/flow-logs/:id/deactivate", async ({ params }) =>
    answer(unwrap(flowLogs.deactivate(found(params.id), params.id))),
  );
  server.put<{ Params: BindingParams }>("/flow-logs/:id/resources/:resourceId", async ({ params }) =>
    answer(unwrap(associate(dependencies, found(params.id), params.resourceId))),
  );
  server.delete<{ Params: BindingParams }>("/flow-logs/:id/resources/:resourceId", async ({ params }) =>
    answer(unwrap(flowLogs.disassociate(found(params.id), params.id, params.resourceId))),
  );
}

function findFlowLog({ control }: NativeDependencies, id: string): Result<FlowLog> {
  const flowLog = control.flowLogs.find(id);
  if (flowLog !== undefined) return ok(flowLog);
  return fail("FlowLogNotFound", `there is no flow log ${id.slice(0, 80)}`, {
    field: "id",
    value: id.slice(0, 80),
    remedy: "./weir flow-log list shows those that there are",
  });
}

/** What is said of a resource that is not of the flow log's scope is said in the words of who lists every region. */
function associate({ control }: NativeDependencies, flowLog: FlowLog, resourceId: string): Result<FlowLog> {
  const resource = findResource(control, resourceId);
  if (!resource.ok) return resource;
  const { id, regionId } = resource.value;
  if (regionId === flowLog.regionId) return control.flowLogs.associate(flowLog, flowLog.id, id);
  return fail("ResourceNotFound", `${id} is in ${regionId}, ${flowLog.id} in ${flowLog.regionId}`, {
    field: "regionId",
    value: flowLog.regionId,
    allowed: regionId,
  });
}

/** A project without a region is meant in the flow log's own. */
function withLogRegion(settings: FlowLogPatch, regionId: string): FlowLogPatch {
  const logService = settings.outputs?.logService;
  if (logService?.project === undefined || logService.regionId !== undefined) return settings;
  return { ...settings, outputs: { ...settings.outputs, logService: { ...logService, regionId } } };
}

function describe(flowLog: FlowLog, { control, delivery }: NativeDependencies): object {
  const { createdMs, updatedMs, number: observationDomain, ...rest } = flowLog;
  const report = delivery(flowLog.id);
  return {
    ...rest,
    observationDomain,
    resourceIds: control.flowLogs.resourcesOf(flowLog.id).map(({ id }) => id),
    createdTime: timeText(createdMs),
    updatedTime: timeText(updatedMs),
    ...(report === undefined ? {} : { delivery: report }),
  };
}
