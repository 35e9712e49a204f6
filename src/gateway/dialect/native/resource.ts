/** Resources of an account in every region, each with the flow logs that observe it itself; `flowLogId` is the gateway service's. */
import type { FastifyInstance } from "fastify";

import { fail, ok, type Result, unwrap } from "../../../base/mod.ts";
import type { Control, Resource } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, timeText } from "./input.ts";

const service = "sag";

export function resourceRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const accountOf = accountReader(control);
  const answer = ({ createdMs, ...resource }: Resource): object => {
    const flowLogId = control.flowLogs.flowLogOf(service, resource.id)?.id;
    return {
      ...resource,
      createdTime: timeText(createdMs),
      flowLogIds: control.flowLogs.observing(resource.id).map(({ id }) => id),
      ...(flowLogId === undefined ? {} : { flowLogId }),
    };
  };
  server.get("/resources", async (request) => {
    const accountId = accountOf(request);
    const resources = control.resources.all().filter((resource) => resource.accountId === accountId);
    return { resources: resources.map(answer) };
  });
  server.get<{ Params: { id: string } }>("/resources/:id", async (request) => {
    return answer(unwrap(findResource(control, accountOf(request), request.params.id)));
  });
}

/** Fault: `ResourceNotFound`, also where the resource is another account's. */
export function findResource(
  { resources }: Pick<Control, "resources">,
  accountId: string,
  id: string,
): Result<Resource> {
  const resource = resources.find(id);
  if (resource?.accountId === accountId) return ok(resource);
  return fail("ResourceNotFound", `there is no resource ${id.slice(0, 80)}`, {
    field: "id",
    value: id.slice(0, 80),
    remedy: "./weir resource list shows those that there are",
  });
}
