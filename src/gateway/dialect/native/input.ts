/** What requests of the native API bring: bodies, queries and the account that they are about; and how times are shown. */
import { z } from "zod";

import { unwrap } from "../../../base/mod.ts";
import type { Control } from "../../../control/mod.ts";
import { parseInput } from "../../input.ts";

export { parseInput } from "../../input.ts";

const accountSchema = z.looseObject({ accountId: z.string().exactOptional() });

/**
 * The id of the account that a request is about: its query's `accountId`, an id or a name, else the
 * installation's. Throws the fault `AccountNotFound`.
 */
export type AccountOf = (request: { readonly query: unknown }) => string;

export function accountReader({ accounts }: Pick<Control, "accounts">): AccountOf {
  return ({ query }) => {
    const { accountId } = unwrap(parseInput(accountSchema, query));
    return accountId === undefined ? accounts.default.id : unwrap(accounts.named(accountId)).id;
  };
}

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
