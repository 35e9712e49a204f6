/** Whether the flow-log service was opened in an account and region: some services have to be, once, before use. */
import { ok, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";
import { commit } from "./commit.ts";
import type { RequestToken, RequestTokens } from "./request-token.ts";
import type { Service } from "./service.ts";

export interface ServiceKey {
  readonly service: Service;
  readonly accountId: string;
  readonly regionId: string;
}

export interface OpenedServices {
  isOpen(key: ServiceKey): boolean;
  /** Opens it for good; opening what is open succeeds. Keeps the request's token with it. Faults: `DiskFull`, `Internal`. */
  open(key: ServiceKey, request?: RequestToken): Result<void>;
}

interface Dependencies {
  readonly database: Database;
  readonly requestTokens: RequestTokens;
  /** Whether every service counts as opened without being so. */
  readonly byDefault: boolean;
  readonly nowMs: () => number;
}

export function createOpenedServices({
  database,
  requestTokens,
  byDefault,
  nowMs,
}: Dependencies): OpenedServices {
  const select = database.prepare(
    "SELECT 1 FROM opened_service WHERE service = ? AND account_id = ? AND region_id = ?",
  );
  const insert = database.prepare("INSERT OR IGNORE INTO opened_service VALUES (?, ?, ?, ?)");
  return {
    isOpen: ({ service, accountId, regionId }) =>
      byDefault || select.get(service, accountId, regionId) !== undefined,
    open: ({ service, accountId, regionId }, request) => {
      const committed = commit(database, () => {
        insert.run(service, accountId, regionId, nowMs());
        if (request !== undefined) requestTokens.keep(request, service);
      });
      return committed.ok ? ok(undefined) : committed;
    },
  };
}
