/** Groups of users of an account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { Group } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput, timeText } from "./input.ts";
import { holderRoutes } from "./policy-holder.ts";

const createSchema = z.strictObject({ name: z.string(), description: z.string().exactOptional() });

const modifySchema = z.strictObject({ description: z.string().exactOptional() });

interface GroupParams {
  readonly name: string;
}

interface MemberParams extends GroupParams {
  readonly user: string;
}

export function groupRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { groups, users, policies } = dependencies.control.access;
  const accountOf = accountReader(dependencies.control);
  const describe = ({ id, name, description, createdMs }: Group): object => ({
    id,
    name,
    description,
    createdTime: timeText(createdMs),
    users: groups.usersOf(id).flatMap((userId) => users.find(userId)?.name ?? []),
    policies: policies.namesOf(id),
  });
  const find = (accountId: string, name: string): Group => unwrap(groups.get(accountId, name));
  const memberOf = ({ name, user }: MemberParams, accountId: string) => ({
    group: find(accountId, name),
    user: unwrap(users.get(accountId, user)),
  });

  server.get("/groups", async (request) => ({ groups: groups.list(accountOf(request)).map(describe) }));
  server.post("/groups", async (request, reply) => {
    const { name, description } = unwrap(parseInput(createSchema, request.body));
    const created = unwrap(groups.create(accountOf(request), name, description));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: GroupParams }>("/groups/:name", async (request) =>
    describe(find(accountOf(request), request.params.name)),
  );
  server.patch<{ Params: GroupParams }>("/groups/:name", async (request) => {
    const settings = unwrap(parseInput(modifySchema, request.body));
    return describe(unwrap(groups.modify(accountOf(request), request.params.name, settings)));
  });
  server.delete<{ Params: GroupParams }>("/groups/:name", async (request) => {
    unwrap(groups.remove(accountOf(request), request.params.name));
    return {};
  });
  server.put<{ Params: MemberParams }>("/groups/:name/users/:user", async (request) => {
    const { group, user } = memberOf(request.params, accountOf(request));
    unwrap(groups.join(group.id, user.id));
    return describe(group);
  });
  server.delete<{ Params: MemberParams }>("/groups/:name/users/:user", async (request) => {
    const { group, user } = memberOf(request.params, accountOf(request));
    unwrap(groups.leave(group.id, user.id));
    return describe(group);
  });
  holderRoutes(server, dependencies, { path: "/groups", find, describe });
}
