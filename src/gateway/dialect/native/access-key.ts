/** Access keys of the installation's account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { AccessKey } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";

const statusSchema = z.strictObject({ status: z.enum(["active", "inactive"]) });

interface KeyParams {
  readonly id: string;
}

export function accessKeyRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const { accessKeys } = control;
  const accountId = control.accounts.default.id;

  server.get("/access-keys", async () => ({ accessKeys: accessKeys.list(accountId).map(describe) }));
  server.post("/access-keys", async (_request, reply) => {
    const created = unwrap(accessKeys.create(accountId));
    reply.code(201);
    // The only answer that ever holds the secret.
    return { ...describe(created), accessKeySecret: created.accessKeySecret };
  });
  server.patch<{ Params: KeyParams }>("/access-keys/:id", async ({ params, body }) => {
    const { status } = unwrap(parseInput(statusSchema, body));
    return describe(unwrap(accessKeys.setStatus(accountId, params.id, status)));
  });
  server.delete<{ Params: KeyParams }>("/access-keys/:id", async ({ params }) => {
    unwrap(accessKeys.remove(accountId, params.id));
    return {};
  });
}

function describe({ accessKeyId, status, createdMs }: AccessKey): object {
  return { accessKeyId, status, createdTime: timeText(createdMs) };
}
