/** Resource groups: names under which an account gathers its flow logs. Each account has one from the first. */
import { fail, ok, randomText, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";
import type { Accounts } from "./account.ts";
import type { Changes } from "./change.ts";
import { commit } from "./commit.ts";

export interface ResourceGroup {
  /** `rg-acfm` and 11 characters. */
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** Whether it is the one of whatever is created without naming one. */
  readonly isDefault: boolean;
  readonly createdMs: number;
}

export interface ResourceGroups {
  /** The account's, its default one first, then by age. */
  list(accountId: string): readonly ResourceGroup[];
  /** Fault: `ResourceGroupNotFound`, also where the group is another account's. */
  get(accountId: string, id: string): Result<ResourceGroup>;
  /** Faults: `InputInvalid` for a name that is none or is taken, `DiskFull`, `Internal`. */
  create(accountId: string, name: string): Result<ResourceGroup>;
  /** Faults: `ResourceGroupNotFound`; `ResourceGroupNotEmpty`, also for the account's default one. */
  remove(accountId: string, id: string): Result<void>;
}

const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,49}$/u;

interface Dependencies {
  readonly database: Database;
  readonly accounts: Accounts;
  readonly changes: Changes;
  readonly nowMs: () => number;
}

export function createResourceGroups(dependencies: Dependencies): ResourceGroups {
  const { database, accounts, changes, nowMs } = dependencies;
  const select = database.prepare(
    "SELECT id, name, created_ms FROM resource_group WHERE account_id = ? ORDER BY created_ms, rowid",
  );
  const insert = database.prepare(
    "INSERT INTO resource_group (id, account_id, name, created_ms) VALUES (?, ?, ?, ?)",
  );
  const list = (accountId: string): ResourceGroup[] => {
    const account = accounts.get(accountId);
    if (account === undefined) return [];
    const { resourceGroupId: id, createdMs } = account;
    const others = select.all(accountId).map((row) => ({
      id: String(row["id"]),
      accountId,
      name: String(row["name"]),
      isDefault: false,
      createdMs: Number(row["created_ms"]),
    }));
    return [{ id, accountId, name: "default", isDefault: true, createdMs }, ...others];
  };
  const get = (accountId: string, id: string): Result<ResourceGroup> => {
    const found = list(accountId).find((group) => group.id === id);
    if (found !== undefined) return ok(found);
    return fail("ResourceGroupNotFound", `there is no resource group ${id.slice(0, 80)}`, {
      field: "resourceGroupId",
      value: id.slice(0, 80),
    });
  };
  return {
    list,
    get,
    create: (accountId, name) => {
      const refused = nameFault(name, list(accountId));
      if (refused !== null) return refused;
      const group = { id: `rg-acfm${randomText(11)}`, accountId, name, isDefault: false, createdMs: nowMs() };
      const committed = commit(database, () => insert.run(group.id, accountId, name, group.createdMs));
      if (!committed.ok) return committed;
      changes.announce({ subject: "resourceGroup", action: "created", id: group.id });
      return ok(group);
    },
    remove: (accountId, id) => {
      const group = get(accountId, id);
      if (!group.ok) return group;
      const refused = contentFault(database, group.value);
      if (refused !== null) return refused;
      const committed = commit(database, () =>
        database.prepare("DELETE FROM resource_group WHERE id = ?").run(id),
      );
      if (!committed.ok) return committed;
      changes.announce({ subject: "resourceGroup", action: "removed", id });
      return ok(undefined);
    },
  };
}

function contentFault(
  database: Database,
  { accountId, id, name, isDefault }: ResourceGroup,
): Result<never> | null {
  const count = (sql: string): number => Number(database.prepare(sql).get(accountId, id)?.["count"]);
  const flowLogs = count(
    "SELECT count(*) AS count FROM flow_log WHERE account_id = ? AND settings ->> 'resourceGroupId' = ?",
  );
  const projects = count(
    "SELECT count(*) AS count FROM log_project WHERE account_id = ? AND resource_group_id = ?",
  );
  if (!isDefault && flowLogs + projects === 0) return null;
  const message = isDefault
    ? "the default resource group stays"
    : `the resource group ${name} still has flow logs (${flowLogs}) or projects (${projects})`;
  const remedies = [
    ...(flowLogs > 0 ? ["move its flow logs with ./weir flow-log move"] : []),
    ...(projects > 0 ? ["delete its projects with ./weir project delete"] : []),
  ];
  const remedy = `${remedies.join(" and ")} first`;
  const details = { field: "resourceGroupId", value: id, ...(isDefault ? {} : { remedy }) };
  return fail("ResourceGroupNotEmpty", message, details);
}

function nameFault(name: string, groups: readonly ResourceGroup[]): Result<never> | null {
  const isTaken = groups.some((group) => group.name === name);
  if (namePattern.test(name) && !isTaken) return null;
  return fail(
    "InputInvalid",
    isTaken ? `there is a resource group ${name}` : "that is no resource group's name",
    {
      field: "name",
      value: name.slice(0, 80),
      allowed: "1 to 50 letters, digits, dots, hyphens and underscores, the first a letter; no name twice",
    },
  );
}
