/** Roles of an account. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import { accountArn, type Role, roleArn } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput, timeText } from "./input.ts";
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
  const { roles, policies } = dependencies.control.access;
  const accountOf = accountReader(dependencies.control);
  const describe = ({ createdMs, accountId, ...role }: Role): object => ({
    ...role,
    arn: roleArn(accountId, role.name),
    createdTime: timeText(createdMs),
    policies: policies.namesOf(role.id),
  });

  server.get("/roles", async (request) => ({ roles: roles.list(accountOf(request)).map(describe) }));
  server.post("/roles", async (request, reply) => {
    const { name, ...settings } = unwrap(parseInput(createSchema, request.body));
    const accountId = accountOf(request);
    const created = unwrap(roles.create(accountId, name, { trustPolicy: trustOf(accountId), ...settings }));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: RoleParams }>("/roles/:name", async (request) =>
    describe(unwrap(roles.get(accountOf(request), request.params.name))),
  );
  server.patch<{ Params: RoleParams }>("/roles/:name", async (request) => {
    const settings = unwrap(parseInput(modifySchema, request.body));
    return describe(unwrap(roles.modify(accountOf(request), request.params.name, settings)));
  });
  server.delete<{ Params: RoleParams }>("/roles/:name", async (request) => {
    unwrap(roles.remove(accountOf(request), request.params.name));
    return {};
  });
  holderRoutes(server, dependencies, {
    path: "/roles",
    find: (accountId, name) => unwrap(roles.get(accountId, name)),
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
