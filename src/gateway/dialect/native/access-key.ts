/** Access keys of an account and of its users. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { fail, ok, type Result, unwrap } from "../../../base/mod.ts";
import type { AccessKey, AccessKeyWithSecret } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput, timeText } from "./input.ts";

const createSchema = z.strictObject({ user: z.string().exactOptional() });
const statusSchema = z.strictObject({ status: z.enum(["active", "inactive"]) });
/** Whether the key that is replaced is disabled at once. */
const rotateSchema = z.strictObject({ disable: z.boolean().default(false) });

interface KeyParams {
  readonly id: string;
}

export function accessKeyRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const { accessKeys, access } = control;
  const accountOf = accountReader(control);
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
  const find = (accountId: string, id: string): Result<AccessKey> => {
    const key = accessKeys.list(accountId).find(({ accessKeyId }) => accessKeyId === id);
    if (key !== undefined) return ok(key);
    return fail("AccessKeyNotFound", `there is no access key ${id.slice(0, 80)}`, { value: id.slice(0, 80) });
  };

  server.get("/access-keys", async (request) => ({
    accessKeys: accessKeys.list(accountOf(request)).map(describe),
  }));
  server.post("/access-keys", async (request, reply) => {
    const { user } = unwrap(parseInput(createSchema, request.body));
    const accountId = accountOf(request);
    const owner = user === undefined ? {} : { userId: unwrap(access.users.get(accountId, user)).id };
    const created = unwrap(accessKeys.create(accountId, owner));
    reply.code(201);
    return withSecret(created);
  });
  server.post<{ Params: KeyParams }>("/access-keys/:id/rotate", async (request, reply) => {
    const { disable } = unwrap(parseInput(rotateSchema, request.body));
    const accountId = accountOf(request);
    const { id } = request.params;
    const { userId } = unwrap(find(accountId, id));
    const created = unwrap(accessKeys.create(accountId, userId === undefined ? {} : { userId }));
    if (disable) unwrap(accessKeys.setStatus(accountId, id, "inactive"));
    reply.code(201);
    return { ...withSecret(created), replaces: describe(unwrap(find(accountId, id))) };
  });
  server.patch<{ Params: KeyParams }>("/access-keys/:id", async (request) => {
    const { status } = unwrap(parseInput(statusSchema, request.body));
    return describe(unwrap(accessKeys.setStatus(accountOf(request), request.params.id, status)));
  });
  server.delete<{ Params: KeyParams }>("/access-keys/:id", async (request) => {
    unwrap(accessKeys.remove(accountOf(request), request.params.id));
    return {};
  });
}
