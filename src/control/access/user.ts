/** Users of an account: each may do what the policies that are attached to it allow, and no more. */
import { fail, ok, type Result } from "../../base/mod.ts";
import type { Database } from "../../database/mod.ts";
import type { Changes } from "../change.ts";
import { commit } from "../commit.ts";
import { checkDescription, checkName, newEntityId } from "./name.ts";

export interface User {
  /** 18 digits; a user of the same name, made anew, has another. */
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly displayName: string;
  readonly createdMs: number;
}

export interface Users {
  /** Faults: `InputInvalid`, `UserExists`. */
  create(accountId: string, name: string, displayName?: string): Result<User>;
  list(accountId: string): readonly User[];
  /** Fault: `UserNotFound`. */
  get(accountId: string, name: string): Result<User>;
  find(id: string): User | undefined;
  /** What is absent stays. Faults: `UserNotFound`, `InputInvalid`. */
  modify(accountId: string, name: string, settings: Partial<Pick<User, "displayName">>): Result<User>;
  /** Removes the user's access keys, takes its policies off it and it out of its groups, too. Fault: `UserNotFound`. */
  remove(accountId: string, name: string): Result<void>;
}

interface Dependencies {
  readonly database: Database;
  readonly changes: Changes;
  readonly nowMs: () => number;
  /** Called after a user's rows are gone, for what is kept of it in memory elsewhere. */
  readonly onRemoved: (userId: string) => void;
}

export function createUsers({ database, changes, nowMs, onRemoved }: Dependencies): Users {
  const users = load(database);
  const get = (accountId: string, name: string): Result<User> => {
    const user = [...users.values()].find((each) => each.accountId === accountId && each.name === name);
    return user === undefined ? notFound(name) : ok(user);
  };
  return {
    create: (accountId, name, displayName = "") => {
      const checked = checkName("user", name);
      if (!checked.ok) return checked;
      const described = checkDescription("displayName", displayName);
      if (!described.ok) return described;
      if (get(accountId, name).ok) return exists(name);
      const user: User = { id: newEntityId("user"), accountId, name, displayName, createdMs: nowMs() };
      const committed = commit(database, () => insert(database, user));
      if (!committed.ok) return committed;
      users.set(user.id, user);
      changes.announce({ subject: "user", action: "created", id: user.id });
      return ok(user);
    },
    list: (accountId) => [...users.values()].filter((user) => user.accountId === accountId),
    get,
    find: (id) => users.get(id),
    modify: (accountId, name, settings) => {
      const found = get(accountId, name);
      if (!found.ok) return found;
      const user: User = { ...found.value, ...settings };
      const described = checkDescription("displayName", user.displayName);
      if (!described.ok) return described;
      const update = database.prepare("UPDATE ram_user SET display_name = ? WHERE id = ?");
      const committed = commit(database, () => update.run(user.displayName, user.id));
      if (!committed.ok) return committed;
      users.set(user.id, user);
      changes.announce({ subject: "user", action: "modified", id: user.id });
      return ok(user);
    },
    remove: (accountId, name) => {
      const user = get(accountId, name);
      if (!user.ok) return user;
      const { id } = user.value;
      const committed = commit(database, () => {
        database.prepare("DELETE FROM access_key WHERE user_id = ?").run(id);
        database.prepare("DELETE FROM policy_attachment WHERE holder_id = ?").run(id);
        database.prepare("DELETE FROM ram_membership WHERE user_id = ?").run(id);
        database.prepare("DELETE FROM ram_user WHERE id = ?").run(id);
      });
      if (!committed.ok) return committed;
      users.delete(id);
      onRemoved(id);
      changes.announce({ subject: "user", action: "removed", id });
      return ok(undefined);
    },
  };
}

function insert(database: Database, { id, accountId, name, displayName, createdMs }: User): void {
  database
    .prepare("INSERT INTO ram_user (id, account_id, name, display_name, created_ms) VALUES (?, ?, ?, ?, ?)")
    .run(id, accountId, name, displayName, createdMs);
}

function load(database: Database): Map<string, User> {
  const rows = database.prepare("SELECT * FROM ram_user ORDER BY created_ms, id").all();
  return new Map(
    rows.map((row): [string, User] => [
      String(row["id"]),
      {
        id: String(row["id"]),
        accountId: String(row["account_id"]),
        name: String(row["name"]),
        displayName: String(row["display_name"]),
        createdMs: Number(row["created_ms"]),
      },
    ]),
  );
}

function notFound(name: string): Result<never> {
  const value = name.slice(0, 80);
  return fail("UserNotFound", `there is no user ${value}`, {
    field: "user",
    value,
    remedy: "./weir user list shows those that there are",
  });
}

function exists(name: string): Result<never> {
  return fail("UserExists", `there is a user ${name} already`, { field: "name", value: name });
}
