/** Policies of an account, and those of the system. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { Policy } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader, parseInput, timeText } from "./input.ts";

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
  const accountOf = accountReader(control);
  const describe = (accountId: string, { createdMs, updatedMs, ...policy }: Policy): object => {
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

  server.get("/policies", async (request) => {
    const accountId = accountOf(request);
    return { policies: policies.list(accountId).map((policy) => describe(accountId, policy)) };
  });
  server.post("/policies", async (request, reply) => {
    const { name, ...settings } = unwrap(parseInput(createSchema, request.body));
    const accountId = accountOf(request);
    const created = unwrap(policies.create(accountId, name, settings));
    reply.code(201);
    return describe(accountId, created);
  });
  server.get<{ Params: PolicyParams }>("/policies/:name", async (request) => {
    const accountId = accountOf(request);
    return describe(accountId, unwrap(policies.get(accountId, request.params.name)));
  });
  server.patch<{ Params: PolicyParams }>("/policies/:name", async (request) => {
    const accountId = accountOf(request);
    const settings = unwrap(parseInput(modifySchema, request.body));
    return describe(accountId, unwrap(policies.modify(accountId, request.params.name, settings)));
  });
  server.delete<{ Params: PolicyParams }>("/policies/:name", async (request) => {
    unwrap(policies.remove(accountOf(request), request.params.name));
    return {};
  });
}
