/** Resources of every region, each with the flow logs that observe it itself; `flowLogId` is the gateway service's. */
import type { FastifyInstance } from "fastify";

import { fail, ok, type Result, unwrap } from "../../../base/mod.ts";
import type { Control, Resource } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { timeText } from "./input.ts";

const service = "sag";

export function resourceRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const answer = ({ createdMs, ...resource }: Resource): object => {
    const flowLogId = control.flowLogs.flowLogOf(service, resource.id)?.id;
    return {
      ...resource,
      createdTime: timeText(createdMs),
      flowLogIds: control.flowLogs.observing(resource.id).map(({ id }) => id),
      ...(flowLogId === undefined ? {} : { flowLogId }),
    };
  };
  server.get("/resources", async () => ({ resources: control.resources.all().map(answer) }));
  server.get<{ Params: { id: string } }>("/resources/:id", async ({ params: { id } }) => {
    return answer(unwrap(findResource(control, id)));
  });
}

/** Fault: `ResourceNotFound`. */
export function findResource({ resources }: Pick<Control, "resources">, id: string): Result<Resource> {
  const resource = resources.find(id);
  if (resource !== undefined) return ok(resource);
  return fail("ResourceNotFound", `there is no resource ${id.slice(0, 80)}`, {
    field: "id",
    value: id.slice(0, 80),
    remedy: "./weir resource list shows those that there are",
  });
}
