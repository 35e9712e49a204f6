/** The accounts of this installation. */
import type { FastifyInstance } from "fastify";
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { Account } from "../../../control/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { parseInput, timeText } from "./input.ts";

const createSchema = z.strictObject({ name: z.string() });

interface AccountParams {
  /** Id or name. */
  readonly account: string;
}

export function accountRoutes(server: FastifyInstance, { control }: NativeDependencies): void {
  const { accounts } = control;
  const describe = ({ id, name, resourceGroupId, createdMs }: Account): object => ({
    id,
    name,
    isDefault: id === accounts.default.id,
    resourceGroupId,
    createdTime: timeText(createdMs),
  });

  server.get("/accounts", async () => ({ accounts: accounts.list().map(describe) }));
  server.post("/accounts", async ({ body }, reply) => {
    const { name } = unwrap(parseInput(createSchema, body));
    const created = unwrap(accounts.create(name));
    reply.code(201);
    return describe(created);
  });
  server.get<{ Params: AccountParams }>("/accounts/:account", async ({ params }) =>
    describe(unwrap(accounts.named(params.account))),
  );
  server.delete<{ Params: AccountParams }>("/accounts/:account", async ({ params }) => {
    unwrap(accounts.remove(params.account));
    return {};
  });
}
