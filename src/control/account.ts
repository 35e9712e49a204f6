/** Accounts: who owns flow logs, resources, log projects and access keys. A fresh Weir has one. */
import { fail, newAccountId, ok, randomText, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";
import type { Changes } from "./change.ts";
import { commit } from "./commit.ts";

export interface Account {
  /** 16 digits. */
  readonly id: string;
  readonly name: string;
  /** The resource group of whatever is created without naming one. */
  readonly resourceGroupId: string;
  readonly createdMs: number;
}

export interface Accounts {
  /** The account of this installation; made at the first start. What is found on the host is its own. */
  readonly default: Account;
  get(id: string): Account | undefined;
  /** By id or name. Fault: `AccountNotFound`. */
  named(idOrName: string): Result<Account>;
  /** By age, the installation's first. */
  list(): readonly Account[];
  /** Faults: `InputInvalid`, `AccountExists`, `DiskFull`, `Internal`. */
  create(name: string): Result<Account>;
  /**
   * Removes an account that has nothing. Faults: `AccountNotFound`; `AccountNotEmpty`, also for the installation's,
   * whose the host is.
   */
  remove(idOrName: string): Result<void>;
}

/** Begins with a letter, so that no name is an id. */
const namePattern = /^[A-Za-z][A-Za-z0-9_.-]{0,49}$/u;

interface Dependencies {
  readonly database: Database;
  readonly changes: Changes;
  readonly nowMs: () => number;
  /** How many resources that are there are an account's. */
  readonly presentResources: (accountId: string) => number;
  /** Called after an account's rows are gone, for what is kept of it in memory elsewhere. */
  readonly onRemoved: (accountId: string) => void;
}

export function createAccounts(dependencies: Dependencies): Accounts {
  const { database, changes, nowMs } = dependencies;
  const insert = database.prepare(
    "INSERT INTO account (id, name, resource_group_id, created_ms) VALUES (?, ?, ?, ?)",
  );
  const make = (name: string): Account => {
    const made = {
      id: newAccountId(),
      name,
      resourceGroupId: `rg-acfm${randomText(11)}`,
      createdMs: nowMs(),
    };
    insert.run(made.id, name, made.resourceGroupId, made.createdMs);
    return made;
  };
  const accounts = load(database);
  const first = accounts[0] ?? make("default");
  if (accounts.length === 0) accounts.push(first);
  const named = (idOrName: string): Result<Account> => {
    const found = accounts.find(({ id, name }) => id === idOrName || name === idOrName);
    return found === undefined ? notFound(idOrName) : ok(found);
  };
  return {
    default: first,
    get: (id) => accounts.find((account) => account.id === id),
    named,
    list: () => [...accounts],
    create: (name) => {
      const refused = nameFault(name, accounts);
      if (refused !== null) return refused;
      const created = commit(database, () => make(name));
      if (!created.ok) return created;
      accounts.push(created.value);
      changes.announce({ subject: "account", action: "created", id: created.value.id });
      return created;
    },
    remove: (idOrName) => {
      const account = named(idOrName);
      if (!account.ok) return account;
      const { id } = account.value;
      const refused = id === first.id ? isInstallations(account.value) : possessionFault(dependencies, id);
      if (refused !== null) return refused;
      const committed = commit(database, () => removeRows(database, id));
      if (!committed.ok) return committed;
      accounts.splice(accounts.indexOf(account.value), 1);
      dependencies.onRemoved(id);
      changes.announce({ subject: "account", action: "removed", id });
      return ok(undefined);
    },
  };
}

/** What an account can have, by its table: each by what it is called, and none goes with the account. */
const possessions = {
  flow_log: "flow logs",
  log_project: "log projects or log groups",
  access_key: "access keys",
  ram_user: "users",
  ram_group: "groups",
  ram_role: "roles",
  policy: "policies",
  resource_group: "resource groups",
} as const;

function possessionFault(
  { database, presentResources }: Dependencies,
  accountId: string,
): Result<never> | null {
  const counts = Object.entries(possessions).map(([table, what]): [count: number, what: string] => {
    const row = database
      .prepare(`SELECT count(*) AS count FROM ${table} WHERE account_id = ?`)
      .get(accountId);
    return [Number(row?.["count"]), what];
  });
  const owned = [...counts, [presentResources(accountId), "declared resources"] as const]
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${what} (${count})`);
  if (owned.length === 0) return null;
  return fail("AccountNotEmpty", `the account still has ${owned.join(", ")}`, {
    field: "accountId",
    value: accountId,
    remedy: "delete them first; resources are the configuration's",
  });
}

function isInstallations({ id, name }: Account): Result<never> {
  return fail("AccountNotEmpty", `${name} is the installation's account, whose the host is, and stays`, {
    field: "accountId",
    value: id,
  });
}

/** What is left of it, which nobody can name: resources that are gone, opened services, request tokens. */
function removeRows(database: Database, accountId: string): void {
  for (const table of ["request_token", "opened_service", "resource"]) {
    database.prepare(`DELETE FROM ${table} WHERE account_id = ?`).run(accountId);
  }
  database.prepare("DELETE FROM account WHERE id = ?").run(accountId);
}

function load(database: Database): Account[] {
  return database
    .prepare("SELECT id, name, resource_group_id, created_ms FROM account ORDER BY rowid")
    .all()
    .map((row) => ({
      id: String(row["id"]),
      name: String(row["name"]),
      resourceGroupId: String(row["resource_group_id"]),
      createdMs: Number(row["created_ms"]),
    }));
}

function nameFault(name: string, accounts: readonly Account[]): Result<never> | null {
  if (!namePattern.test(name)) {
    return fail("InputInvalid", "that is no account's name", {
      field: "name",
      value: name.slice(0, 80),
      allowed: "1 to 50 letters, digits, dots, hyphens and underscores, the first a letter",
    });
  }
  if (!accounts.some((account) => account.name === name)) return null;
  return fail("AccountExists", `there is an account ${name} already`, { field: "name", value: name });
}

function notFound(idOrName: string): Result<never> {
  const value = idOrName.slice(0, 80);
  return fail("AccountNotFound", `there is no account ${value}`, {
    field: "accountId",
    value,
    remedy: "./weir account list shows those that there are",
  });
}
