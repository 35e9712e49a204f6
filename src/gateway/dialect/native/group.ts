/** Groups of users of the installation's account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { Group } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";
import { holderRoutes } from "./policy-holder.ts";

const createSchema = z.strictObject({ name: z.string(), description: z.string().exactOptional() });

interface GroupParams {
  readonly name: string;
}

interface MemberParams extends GroupParams {
  readonly user: string;
}

export function groupRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { accounts, access } = dependencies.control;
  const { groups, users, policies } = access;
  const accountId = accounts.default.id;
  const describe = ({ id, name, description, createdMs }: Group): object => ({
    id,
    name,
    description,
    createdTime: timeText(createdMs),
    users: groups.usersOf(id).flatMap((userId) => users.find(userId)?.name ?? []),
    policies: policies.namesOf(id),
  });
  const find = (name: string): Group => unwrap(groups.get(accountId, name));

  server.get("/groups", async () => ({ groups: groups.list(accountId).map(describe) }));
  server.post("/groups", async ({ body }, reply) => {
    const { name, description } = unwrap(parseInput(createSchema, body));
    const created = unwrap(groups.create(accountId, name, description));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: GroupParams }>("/groups/:name", async ({ params }) => describe(find(params.name)));
  server.delete<{ Params: GroupParams }>("/groups/:name", async ({ params }) => {
    unwrap(groups.remove(accountId, params.name));
    return {};
  });
  server.put<{ Params: MemberParams }>("/groups/:name/users/:user", async ({ params }) => {
    const group = find(params.name);
    unwrap(groups.join(group.id, unwrap(users.get(accountId, params.user)).id));
    return describe(group);
  });
  server.delete<{ Params: MemberParams }>("/groups/:name/users/:user", async ({ params }) => {
    const group = find(params.name);
    unwrap(groups.leave(group.id, unwrap(users.get(accountId, params.user)).id));
    return describe(group);
  });
  holderRoutes(server, dependencies, { path: "/groups", find, describe });
}
