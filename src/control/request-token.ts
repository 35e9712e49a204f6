/**
 * Request tokens: a client that did not hear the answer to its request repeats it under the same token, and is
 * answered as the first time instead of making the thing twice. A token is kept for a day, as the clouds do.
 */
import { fail, ok, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";

export interface RequestToken {
  readonly accountId: string;
  readonly regionId: string;
  readonly action: string;
  /** As the client sent it. */
  readonly token: string;
  /** Whatever tells two requests apart that carry the same token. */
  readonly fingerprint: string;
}

export interface RequestTokens {
  /**
   * What the request made, if it was made under this token already. Fault: `RequestTokenReused` where the
   * token came with another request.
   */
  find(request: RequestToken): Result<string | undefined>;
  /** Within the transaction that makes the thing: either both are kept or neither. */
  keep(request: RequestToken, made: string): void;
}

const keptMs = 86_400_000;

export function createRequestTokens(database: Database, nowMs: () => number): RequestTokens {
  const select = database.prepare(
    `SELECT fingerprint, made FROM request_token
     WHERE account_id = ? AND region_id = ? AND action = ? AND token = ? AND created_ms > ?`,
  );
  const insert = database.prepare("INSERT OR REPLACE INTO request_token VALUES (?, ?, ?, ?, ?, ?, ?)");
  const expire = database.prepare("DELETE FROM request_token WHERE created_ms <= ?");
  return {
    find: ({ accountId, regionId, action, token, fingerprint }) => {
      const row = select.get(accountId, regionId, action, token, nowMs() - keptMs);
      if (row === undefined) return ok(undefined);
      if (row["fingerprint"] === fingerprint) return ok(String(row["made"]));
      return fail("RequestTokenReused", "the request token was sent with another request before", {
        field: "requestToken",
        value: token.slice(0, 80),
      });
    },
    keep: ({ accountId, regionId, action, token, fingerprint }, made) => {
      expire.run(nowMs() - keptMs);
      insert.run(accountId, regionId, action, token, fingerprint, made, nowMs());
    },
  };
}
