/** Users of the installation's account, with the groups that each is in and the policies that it has. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { User } from "../../../control/mod.ts";
import { holderRoutes } from "./policy-holder.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";

const createSchema = z.strictObject({ name: z.string(), displayName: z.string().exactOptional() });

interface UserParams {
  readonly name: string;
}

export function userRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { accounts, accessKeys, access } = dependencies.control;
  const { users, groups, policies } = access;
  const accountId = accounts.default.id;
  const describe = ({ id, name, displayName, createdMs }: User): object => ({
    id,
    name,
    displayName,
    createdTime: timeText(createdMs),
    groups: groups.groupsOf(id).flatMap((groupId) => groups.find(groupId)?.name ?? []),
    policies: policies.namesOf(id),
    accessKeyIds: accessKeys
      .list(accountId)
      .filter(({ userId }) => userId === id)
      .map(({ accessKeyId }) => accessKeyId),
  });

  server.get("/users", async () => ({ users: users.list(accountId).map(describe) }));
  server.post("/users", async ({ body }, reply) => {
    const { name, displayName } = unwrap(parseInput(createSchema, body));
    const created = unwrap(users.create(accountId, name, displayName));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: UserParams }>("/users/:name", async ({ params }) =>
    describe(unwrap(users.get(accountId, params.name))),
  );
  server.delete<{ Params: UserParams }>("/users/:name", async ({ params }) => {
    unwrap(users.remove(accountId, params.name));
    return {};
  });
  holderRoutes(server, dependencies, {
    path: "/users",
    find: (name) => unwrap(users.get(accountId, name)),
    describe,
  });
}
