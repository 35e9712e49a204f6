/** Resource groups of an account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { ResourceGroup } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput, timeText } from "./input.ts";

const createSchema = z.strictObject({ name: z.string() });

export function resourceGroupRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const { resourceGroups } = control;
  const accountOf = accountReader(control);

  server.get("/resource-groups", async (request) => ({
    resourceGroups: resourceGroups.list(accountOf(request)).map(describe),
  }));
  server.post("/resource-groups", async (request, reply) => {
    const { name } = unwrap(parseInput(createSchema, request.body));
    const created = unwrap(resourceGroups.create(accountOf(request), name));
    reply.code(201);
    return describe(created);
  });
  server.delete<{ Params: { id: string } }>("/resource-groups/:id", async (request) => {
    unwrap(resourceGroups.remove(accountOf(request), request.params.id));
    return {};
  });
}

function describe({ id, name, isDefault, createdMs }: ResourceGroup): object {
  return { id, name, isDefault, createdTime: timeText(createdMs) };
}
