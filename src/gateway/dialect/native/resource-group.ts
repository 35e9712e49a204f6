/** Resource groups of the installation's account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { ResourceGroup } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";

const createSchema = z.strictObject({ name: z.string() });

export function resourceGroupRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const { resourceGroups } = control;
  const accountId = control.accounts.default.id;

  server.get("/resource-groups", async () => ({
    resourceGroups: resourceGroups.list(accountId).map(describe),
  }));
  server.post("/resource-groups", async ({ body }, reply) => {
    const { name } = unwrap(parseInput(createSchema, body));
    const created = unwrap(resourceGroups.create(accountId, name));
    reply.code(201);
    return describe(created);
  });
}

function describe({ id, name, isDefault, createdMs }: ResourceGroup): object {
  return { id, name, isDefault, createdTime: timeText(createdMs) };
}
