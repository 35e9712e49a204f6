/** Access keys of the installation's account and of its users. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { fail, ok, type Result, unwrap } from "../../../base/mod.ts";
import type { AccessKey, AccessKeyWithSecret } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";

const createSchema = z.strictObject({ user: z.string().exactOptional() });
const statusSchema = z.strictObject({ status: z.enum(["active", "inactive"]) });
/** Whether the key that is replaced is disabled at once. */
const rotateSchema = z.strictObject({ disable: z.boolean().default(false) });

interface KeyParams {
  readonly id: string;
}

export function accessKeyRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const { accessKeys, access } = control;
  const accountId = control.accounts.default.id;
  const describe = ({ accessKeyId, userId, status, createdMs }: AccessKey): object => {
    const user = userId === undefined ? undefined : access.users.find(userId)?.name;
    return {
      accessKeyId,
      ...(user === undefined ? {} : { user }),
      status,
      createdTime: timeText(createdMs),
    };
  };
  // The only answer that ever holds the secret.
  const withSecret = (key: AccessKeyWithSecret): object => ({
    ...describe(key),
    accessKeySecret: key.accessKeySecret,
  });
  const find = (id: string): Result<AccessKey> => {
    const key = accessKeys.list(accountId).find(({ accessKeyId }) => accessKeyId === id);
    if (key !== undefined) return ok(key);
    return fail("AccessKeyNotFound", `there is no access key ${id.slice(0, 80)}`, { value: id.slice(0, 80) });
  };

  server.get("/access-keys", async () => ({ accessKeys: accessKeys.list(accountId).map(describe) }));
  server.post("/access-keys", async ({ body }, reply) => {
    const { user } = unwrap(parseInput(createSchema, body));
    const owner = user === undefined ? {} : { userId: unwrap(access.users.get(accountId, user)).id };
    const created = unwrap(accessKeys.create(accountId, owner));
    reply.code(201);
    return withSecret(created);
  });
  server.post<{ Params: KeyParams }>("/access-keys/:id/rotate", async ({ params, body }, reply) => {
    const { disable } = unwrap(parseInput(rotateSchema, body));
    const { userId } = unwrap(find(params.id));
    const created = unwrap(accessKeys.create(accountId, userId === undefined ? {} : { userId }));
    if (disable) unwrap(accessKeys.setStatus(accountId, params.id, "inactive"));
    reply.code(201);
    return { ...withSecret(created), replaces: describe(unwrap(find(params.id))) };
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
