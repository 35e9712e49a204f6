/** Which resources a flow log observes. A resource carries at most one flow log of each service. */
import { fail, type Result } from "../base/mod.ts";
import type { FlowLog, FlowLogScope } from "./flow-log.ts";
import { changeFlowLog, type FlowLogContext } from "./flow-log-memory.ts";
import type { Resource } from "./resource.ts";
import type { Service } from "./service.ts";

export interface Associations {
  /**
   * Binds a resource; binding it again to the same flow log succeeds and changes nothing. Faults:
   * `FlowLogNotFound`, `ResourceNotFound` (absent ones too), `ResourceAlreadyAssociated` (with another
   * flow log of the same service), `ResourceUnsupported` (its model), `ResourceFeatureMissing` (its
   * edition; `field` is the `FlowLogSupport` that it has), `InputInvalid` (a flow log that has a target).
   */
  associate(scope: FlowLogScope, id: string, resourceId: string): Result<FlowLog>;
  /** Faults: `FlowLogNotFound`, `ResourceNotFound`, `ResourceNotAssociated`. */
  disassociate(scope: FlowLogScope, id: string, resourceId: string): Result<FlowLog>;
  /** What is bound to a flow log, in the order of binding. */
  resourcesOf(id: string): readonly Resource[];
  /** How many resources are bound to a flow log. */
  resourceCount(id: string): number;
  /** The flow log of a service that a resource is bound to, or is the target of, where there can be but one. */
  flowLogOf(service: Service, resourceId: string): FlowLog | undefined;
  /** Those that observe a resource, by binding or as their target; not what covers it from above. */
  observing(resourceId: string): readonly FlowLog[];
  /** What keeps a bound resource from carrying the flow log; null if nothing does. */
  obstacle(id: string): Result<never> | null;
}

export function createAssociations(context: FlowLogContext): Associations {
  const { memory, resources, table } = context;
  const resourcesOf = (id: string): Resource[] =>
    [...memory.boundTo(id)].flatMap((resourceId) => resources.find(resourceId) ?? []);
  return {
    associate: (scope, id, resourceId) => {
      const flowLog = memory.get(scope, id);
      if (!flowLog.ok) return flowLog;
      if (flowLog.value.target !== undefined) return hasTarget(flowLog.value);
      const resource = resources.get(scope, resourceId);
      if (!resource.ok) return resource;
      const { id: boundId } = resource.value;
      const current = memory.flowLogOf(scope.service, boundId);
      if (current?.id === flowLog.value.id) return flowLog;
      const refused = refusal(resource.value, current) ?? obstacleOf(resource.value);
      if (refused !== null) return refused;
      return changeFlowLog(
        context,
        flowLog.value,
        () => table.associate(flowLog.value, boundId, context.nowMs()),
        () => memory.bind(flowLog.value.id, boundId),
      );
    },
    disassociate: (scope, id, resourceId) => {
      const flowLog = memory.get(scope, id);
      if (!flowLog.ok) return flowLog;
      if (!memory.boundTo(id).has(resourceId)) return notAssociated(resources.get(scope, resourceId), id);
      return changeFlowLog(
        context,
        flowLog.value,
        () => table.disassociate(id, resourceId),
        () => memory.unbind(id, resourceId),
      );
    },
    resourcesOf,
    resourceCount: (id) => memory.boundTo(id).size,
    flowLogOf: (service, resourceId) => memory.flowLogOf(service, resourceId),
    observing: (resourceId) => memory.observing(resourceId),
    obstacle: (id) =>
      resourcesOf(id)
        .map(obstacleOf)
        .find((found) => found !== null) ?? null,
  };
}

function hasTarget({ id }: FlowLog): Result<never> {
  return fail("InputInvalid", `${id} observes what it was created on`, { field: "id", value: id });
}

function refusal({ id, present }: Resource, current: FlowLog | undefined): Result<never> | null {
  if (current !== undefined) {
    return fail("ResourceAlreadyAssociated", `${id} is already associated with ${current.id}`, { value: id });
  }
  return present ? null : fail("ResourceNotFound", `${id} is not there at present`, { value: id });
}

function obstacleOf({ id, model, flowLogSupport }: Resource): Result<never> | null {
  if (flowLogSupport === "full") return null;
  if (flowLogSupport === "model") {
    return fail("ResourceUnsupported", `${id} is a ${model}, a model without flow logs`, { value: id });
  }
  return fail("ResourceFeatureMissing", `the edition of ${id} has no flow logs`, {
    field: flowLogSupport,
    value: id,
  });
}

function notAssociated(resource: Result<Resource>, flowLogId: string): Result<never> {
  if (!resource.ok) return resource;
  const { id } = resource.value;
  return fail("ResourceNotAssociated", `${id} is not associated with ${flowLogId}`, { value: id });
}
