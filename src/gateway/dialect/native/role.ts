/** Roles of the installation's account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import { accountArn, type Role, roleArn } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";
import { holderRoutes } from "./policy-holder.ts";

const settingsShape = {
  /** The document as text. */
  trustPolicy: z.string().exactOptional(),
  description: z.string().exactOptional(),
  sessionSMax: z.number().exactOptional(),
};
const createSchema = z.strictObject({ name: z.string(), ...settingsShape });
const modifySchema = z.strictObject(settingsShape);

interface RoleParams {
  readonly name: string;
}

export function roleRoutes(server: FastifyInstance, dependencies: NativeDependencies): void {
  const { accounts, access } = dependencies.control;
  const { roles, policies } = access;
  const accountId = accounts.default.id;
  const describe = ({ createdMs, accountId: _accountId, ...role }: Role): object => ({
    ...role,
    arn: roleArn(accountId, role.name),
    createdTime: timeText(createdMs),
    policies: policies.namesOf(role.id),
  });

  server.get("/roles", async () => ({ roles: roles.list(accountId).map(describe) }));
  server.post("/roles", async ({ body }, reply) => {
    const { name, ...settings } = unwrap(parseInput(createSchema, body));
    const created = unwrap(roles.create(accountId, name, { trustPolicy: trustOf(accountId), ...settings }));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: RoleParams }>("/roles/:name", async ({ params }) =>
    describe(unwrap(roles.get(accountId, params.name))),
  );
  server.patch<{ Params: RoleParams }>("/roles/:name", async ({ params, body }) =>
    describe(unwrap(roles.modify(accountId, params.name, unwrap(parseInput(modifySchema, body))))),
  );
  server.delete<{ Params: RoleParams }>("/roles/:name", async ({ params }) => {
    unwrap(roles.remove(accountId, params.name));
    return {};
  });
  holderRoutes(server, dependencies, {
    path: "/roles",
    find: (name) => unwrap(roles.get(accountId, name)),
    describe,
  });
}

/** Trust in the account: whoever its policies let assume roles. */
function trustOf(accountId: string): string {
  const Principal = { RAM: [accountArn(accountId)] };
  return JSON.stringify({
    Version: "1",
    Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", Principal }],
  });
}
