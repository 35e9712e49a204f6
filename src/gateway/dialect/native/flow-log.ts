/**
 * Flow logs of an account: every region's and service's are listed. Those made here on a VPC, subnet or
 * interface belong to the VPC service, others to that of gateways.
 */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { fail, ok, type Result, unwrap } from "../../../base/mod.ts";
import type { FlowLog, FlowLogPatch, FlowLogTarget } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput, timeText } from "./input.ts";
import { findResource } from "./resource.ts";

interface FlowLogParams {
  readonly id: string;
}

interface FlowLogRequest {
  readonly params: FlowLogParams;
  readonly query: unknown;
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
      windowS: z.number().exactOptional(),
    })
    .exactOptional(),
  filter: z
    .strictObject({
      trafficType: z.enum(["all", "accept", "reject"]).exactOptional(),
      ipVersions: z.array(z.union([z.literal(4), z.literal(6)])).exactOptional(),
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

const tagsSchema = z.record(z.string(), z.string());
const createSchema = z.strictObject({
  regionId: z.string().exactOptional(),
  /** The VPC, subnet or interface that it is made on. */
  targetId: z.string().exactOptional(),
  resourceGroupId: z.string().exactOptional(),
  tags: tagsSchema.exactOptional(),
  settings: settingsSchema,
});
const modifySchema = z.strictObject({ settings: settingsSchema });
const tagSchema = z.strictObject({ tags: tagsSchema });
const untagSchema = z.strictObject({ keys: z.array(z.string()).exactOptional() });
const moveSchema = z.strictObject({ resourceGroupId: z.string() });

export function flowLogRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { control } = dependencies;
  const { flowLogs } = control;
  const answer = (flowLog: FlowLog): object => describe(flowLog, dependencies);
  const accountOf = accountReader(control);
  const found = (request: FlowLogRequest): FlowLog =>
    unwrap(findFlowLog(dependencies, accountOf(request), request.params.id));

  server.get("/flow-logs", async (request) => {
    const accountId = accountOf(request);
    return {
      flowLogs: flowLogs
        .all()
        .filter((flowLog) => flowLog.accountId === accountId)
        .map(answer),
    };
  });
  server.post("/flow-logs", async (request, reply) => {
    const input = unwrap(parseInput(createSchema, request.body));
    const created = unwrap(create(dependencies, accountOf(request), input));
    reply.code(201);
    return answer(created);
  });
  server.get<{ Params: FlowLogParams }>("/flow-logs/:id", async (request) => answer(found(request)));
  server.patch<{ Params: FlowLogParams }>("/flow-logs/:id", async (request) => {
    const { settings } = unwrap(parseInput(modifySchema, request.body));
    const flowLog = found(request);
    return answer(unwrap(flowLogs.modify(flowLog, flowLog.id, settings)));
  });
  server.delete<{ Params: FlowLogParams }>("/flow-logs/:id", async (request) => {
    unwrap(flowLogs.remove(found(request), request.params.id));
    return {};
  });
  server.post<{ Params: FlowLogParams }>("/flow-logs/:id/activate", async (request) =>
    answer(unwrap(flowLogs.activate(found(request), request.params.id))),
  );
  server.post<{ Params: FlowLogParams }>("/flow-logs/:id/deactivate", async (request) =>
    answer(unwrap(flowLogs.deactivate(found(request), request.params.id))),
  );
  server.post<{ Params: FlowLogParams }>("/flow-logs/:id/tag", async (request) => {
    const { tags } = unwrap(parseInput(tagSchema, request.body));
    return answer(unwrap(flowLogs.tag(found(request), request.params.id, tags)));
  });
  server.post<{ Params: FlowLogParams }>("/flow-logs/:id/untag", async (request) => {
    const { keys } = unwrap(parseInput(untagSchema, request.body));
    return answer(unwrap(flowLogs.untag(found(request), request.params.id, keys)));
  });
  server.post<{ Params: FlowLogParams }>("/flow-logs/:id/move", async (request) => {
    const { resourceGroupId } = unwrap(parseInput(moveSchema, request.body));
    return answer(unwrap(flowLogs.moveResourceGroup(found(request), request.params.id, resourceGroupId)));
  });
  server.put<{ Params: BindingParams }>("/flow-logs/:id/resources/:resourceId", async (request) =>
    answer(unwrap(associate(dependencies, found(request), request.params.resourceId))),
  );
  server.delete<{ Params: BindingParams }>("/flow-logs/:id/resources/:resourceId", async (request) =>
    answer(unwrap(flowLogs.disassociate(found(request), request.params.id, request.params.resourceId))),
  );
}

function create(
  { control }: NativeDependencies,
  accountId: string,
  input: z.output<typeof createSchema>,
): Result<FlowLog> {
  const { regionId = control.regionId, targetId, settings, ...labels } = input;
  const target = targetId === undefined ? ok(undefined) : targetOf(control, accountId, targetId);
  if (!target.ok) return target;
  const { resourceGroupId } = labels;
  const group =
    resourceGroupId === undefined ? ok(undefined) : control.resourceGroups.get(accountId, resourceGroupId);
  if (!group.ok) return group;
  const wanted = { ...withLogRegion(settings, regionId), ...labels };
  if (target.value === undefined) {
    return control.flowLogs.create({ accountId, regionId, service: "sag" }, wanted);
  }
  return control.flowLogs.create(
    { accountId, regionId, service: "vpc" },
    { ...wanted, target: target.value },
  );
}

/** Faults: `ResourceNotFound`, `InputInvalid` for a gateway, which is bound instead. */
function targetOf(
  control: NativeDependencies["control"],
  accountId: string,
  id: string,
): Result<FlowLogTarget> {
  const resource = findResource(control, accountId, id);
  if (!resource.ok) return resource;
  const { type } = resource.value;
  if (type !== "gateway") return ok({ type, id: resource.value.id });
  return fail("InputInvalid", `${id} is a gateway, which is associated with a flow log`, {
    field: "targetId",
    value: id,
    allowed: "a VPC, a subnet or an interface",
  });
}

/** Fault: `FlowLogNotFound`, also where the flow log is another account's. */
function findFlowLog({ control }: NativeDependencies, accountId: string, id: string): Result<FlowLog> {
  const flowLog = control.flowLogs.find(id);
  if (flowLog?.accountId === accountId) return ok(flowLog);
  return fail("FlowLogNotFound", `there is no flow log ${id.slice(0, 80)}`, {
    field: "id",
    value: id.slice(0, 80),
    remedy: "./weir flow-log list shows those that there are",
  });
}

/** What is said of a resource that is not of the flow log's scope is said in the words of who lists every region. */
function associate({ control }: NativeDependencies, flowLog: FlowLog, resourceId: string): Result<FlowLog> {
  const resource = findResource(control, flowLog.accountId, resourceId);
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
    resourceIds:
      flowLog.target === undefined
        ? control.flowLogs.resourcesOf(flowLog.id).map(({ id }) => id)
        : [flowLog.target.id],
    createdTime: timeText(createdMs),
    updatedTime: timeText(updatedMs),
    ...(report === undefined ? {} : { delivery: report }),
  };
}
