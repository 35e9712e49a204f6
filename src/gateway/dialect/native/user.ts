/** Users of an account, with the groups that each is in and the policies that it has. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { User } from "../../../control/mod.ts";
import { holderRoutes } from "./policy-holder.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput, timeText } from "./input.ts";

const createSchema = z.strictObject({ name: z.string(), displayName: z.string().exactOptional() });

const modifySchema = z.strictObject({ displayName: z.string().exactOptional() });

interface UserParams {
  readonly name: string;
}

export function userRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { accessKeys, access } = dependencies.control;
  const { users, groups, policies } = access;
  const accountOf = accountReader(dependencies.control);
  const describe = ({ id, accountId, name, displayName, createdMs }: User): object => ({
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

  server.get("/users", async (request) => ({ users: users.list(accountOf(request)).map(describe) }));
  server.post("/users", async (request, reply) => {
    const { name, displayName } = unwrap(parseInput(createSchema, request.body));
    const created = unwrap(users.create(accountOf(request), name, displayName));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: UserParams }>("/users/:name", async (request) =>
    describe(unwrap(users.get(accountOf(request), request.params.name))),
  );
  server.patch<{ Params: UserParams }>("/users/:name", async (request) => {
    const settings = unwrap(parseInput(modifySchema, request.body));
    return describe(unwrap(users.modify(accountOf(request), request.params.name, settings)));
  });
  server.delete<{ Params: UserParams }>("/users/:name", async (request) => {
    unwrap(users.remove(accountOf(request), request.params.name));
    return {};
  });
  holderRoutes(server, dependencies, {
    path: "/users",
    find: (accountId, name) => unwrap(users.get(accountId, name)),
    describe,
  });
}
