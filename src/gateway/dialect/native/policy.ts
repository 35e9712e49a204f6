/** Policies of the installation's account, and those of the system. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { Policy } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";

/** A document is text: its own spelling is kept. */
const createSchema = z.strictObject({
  name: z.string(),
  document: z.string(),
  description: z.string().exactOptional(),
});
const modifySchema = z.strictObject({
  document: z.string().exactOptional(),
  description: z.string().exactOptional(),
});

interface PolicyParams {
  readonly name: string;
}

export function policyRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const { policies, users, groups, roles } = control.access;
  const accountId = control.accounts.default.id;
  const describe = ({ createdMs, updatedMs, ...policy }: Policy): object => {
    const holders = policies.holdersOf(accountId, policy.name);
    return {
      ...policy,
      // A policy of the system is as old as the program.
      ...(policy.type === "System"
        ? {}
        : { createdTime: timeText(createdMs), updatedTime: timeText(updatedMs) }),
      users: holders.flatMap((id) => users.find(id)?.name ?? []),
      groups: holders.flatMap((id) => groups.find(id)?.name ?? []),
      roles: holders.flatMap((id) => roles.find(id)?.name ?? []),
    };
  };

  server.get("/policies", async () => ({ policies: policies.list(accountId).map(describe) }));
  server.post("/policies", async ({ body }, reply) => {
    const { name, ...settings } = unwrap(parseInput(createSchema, body));
    const created = unwrap(policies.create(accountId, name, settings));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: PolicyParams }>("/policies/:name", async ({ params }) =>
    describe(unwrap(policies.get(accountId, params.name))),
  );
  server.patch<{ Params: PolicyParams }>("/policies/:name", async ({ params, body }) =>
    describe(unwrap(policies.modify(accountId, params.name, unwrap(parseInput(modifySchema, body))))),
  );
  server.delete<{ Params: PolicyParams }>("/policies/:name", async ({ params }) => {
    unwrap(policies.remove(accountId, params.name));
    return {};
  });
}
