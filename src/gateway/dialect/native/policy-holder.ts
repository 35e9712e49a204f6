/** Attaching policies to users, groups and roles, and taking them off. */
import type { FastifyInstance } from "fastify";

import { unwrap } from "../../../base/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";
import { accountReader } from "./input.ts";

interface Holders<Holder extends { readonly id: string }> {
  /** Where they are: `/users`. */
  readonly path: string;
  /** Throws a fault where the account has none of that name. */
  readonly find: (accountId: string, name: string) => Holder;
  readonly describe: (holder: Holder) => object;
}

interface AttachmentParams {
  readonly name: string;
  readonly policy: string;
}

export function holderRoutes<Holder extends { readonly id: string }>(
  server: FastifyInstance,
  { control }: NativeDependencies,
  { path, find, describe }: Holders<Holder>,
): void {
  const { policies } = control.access;
  const accountOf = accountReader(control);
  server.put<{ Params: AttachmentParams }>(`${path}/:name/policies/:policy`, async (request) => {
    const accountId = accountOf(request);
    const holder = find(accountId, request.params.name);
    unwrap(policies.attach(accountId, request.params.policy, holder.id));
    return describe(holder);
  });
  server.delete<{ Params: AttachmentParams }>(`${path}/:name/policies/:policy`, async (request) => {
    const accountId = accountOf(request);
    const holder = find(accountId, request.params.name);
    unwrap(policies.detach(accountId, request.params.policy, holder.id));
    return describe(holder);
  });
}
