/** Groups of users: a user has the policies of each group that it is in. */
import { fail, ok, type Result } from "../../base/mod.ts";
import type { Database } from "../../database/mod.ts";
import type { Changes } from "../change.ts";
import { commit } from "../commit.ts";
import { checkDescription, checkName, newEntityId } from "./name.ts";

export interface Group {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly description: string;
  readonly createdMs: number;
}

export interface Groups {
  /** Faults: `InputInvalid`, `GroupExists`. */
  create(accountId: string, name: string, description?: string): Result<Group>;
  list(accountId: string): readonly Group[];
  /** Fault: `GroupNotFound`. */
  get(accountId: string, name: string): Result<Group>;
  find(id: string): Group | undefined;
  /** What is absent stays. Faults: `GroupNotFound`, `InputInvalid`. */
  modify(accountId: string, name: string, settings: Partial<Pick<Group, "description">>): Result<Group>;
  /** Takes the group's policies off it, and its users out of it, too. Fault: `GroupNotFound`. */
  remove(accountId: string, name: string): Result<void>;
  /** Puts a user into a group; once more changes nothing. */
  join(groupId: string, userId: string): Result<void>;
  /** Takes a user out of a group; one who is not in it stays out. */
  leave(groupId: string, userId: string): Result<void>;
  /** Ids of the groups that a user is in. */
  groupsOf(userId: string): readonly string[];
  /** Ids of the users in a group. */
  usersOf(groupId: string): readonly string[];
  /** Forgets the memberships of a user whose rows are gone. */
  forget(userId: string): void;
}

interface Dependencies {
  readonly database: Database;
  readonly changes: Changes;
  readonly nowMs: () => number;
  /** Called after a group's rows are gone, for what is kept of it in memory elsewhere. */
  readonly onRemoved: (groupId: string) => void;
}

interface Register extends Dependencies {
  readonly groups: Map<string, Group>;
  /** For each user, the groups that it is in. */
  readonly memberships: Map<string, Set<string>>;
}

export function createGroups(dependencies: Dependencies): Groups {
  const { database } = dependencies;
  const register: Register = { ...dependencies, groups: loadGroups(database), memberships: new Map() };
  const { groups, memberships } = register;
  for (const row of database.prepare("SELECT group_id, user_id FROM ram_membership").all()) {
    enter(register, String(row["group_id"]), String(row["user_id"]));
  }
  return {
    create: (accountId, name, description = "") => create(register, accountId, name, description),
    list: (accountId) => [...groups.values()].filter((group) => group.accountId === accountId),
    get: (accountId, name) => get(register, accountId, name),
    find: (id) => groups.get(id),
    modify: (accountId, name, settings) => modify(register, accountId, name, settings),
    remove: (accountId, name) => remove(register, accountId, name),
    join: (groupId, userId) => {
      const joined = write(register, groupId, userId, insertMembership);
      if (joined.ok) enter(register, groupId, userId);
      return joined;
    },
    leave: (groupId, userId) => {
      const left = write(register, groupId, userId, deleteMembership);
      if (left.ok) memberships.get(userId)?.delete(groupId);
      return left;
    },
    groupsOf: (userId) => [...(memberships.get(userId) ?? [])],
    usersOf: (groupId) =>
      [...memberships].filter(([, joined]) => joined.has(groupId)).map(([userId]) => userId),
    forget: (userId) => void memberships.delete(userId),
  };
}

function get({ groups }: Register, accountId: string, name: string): Result<Group> {
  const group = [...groups.values()].find((each) => each.accountId === accountId && each.name === name);
  if (group !== undefined) return ok(group);
  const value = name.slice(0, 80);
  return fail("GroupNotFound", `there is no group ${value}`, {
    field: "group",
    value,
    remedy: "./weir group list shows those that there are",
  });
}

function create(register: Register, accountId: string, name: string, description: string): Result<Group> {
  const checked = checkName("group", name);
  if (!checked.ok) return checked;
  const described = checkDescription("description", description);
  if (!described.ok) return described;
  if (get(register, accountId, name).ok) {
    return fail("GroupExists", `there is a group ${name} already`, { field: "name", value: name });
  }
  const { database, groups, changes, nowMs } = register;
  const group: Group = { id: newEntityId("group"), accountId, name, description, createdMs: nowMs() };
  const committed = commit(database, () =>
    database
      .prepare("INSERT INTO ram_group (id, account_id, name, description, created_ms) VALUES (?, ?, ?, ?, ?)")
      .run(group.id, accountId, name, description, group.createdMs),
  );
  if (!committed.ok) return committed;
  groups.set(group.id, group);
  changes.announce({ subject: "group", action: "created", id: group.id });
  return ok(group);
}

function modify(
  register: Register,
  accountId: string,
  name: string,
  settings: Partial<Pick<Group, "description">>,
): Result<Group> {
  const found = get(register, accountId, name);
  if (!found.ok) return found;
  const { database, groups, changes } = register;
  const group: Group = { ...found.value, ...settings };
  const described = checkDescription("description", group.description);
  if (!described.ok) return described;
  const update = database.prepare("UPDATE ram_group SET description = ? WHERE id = ?");
  const committed = commit(database, () => update.run(group.description, group.id));
  if (!committed.ok) return committed;
  groups.set(group.id, group);
  changes.announce({ subject: "group", action: "modified", id: group.id });
  return ok(group);
}

function remove(register: Register, accountId: string, name: string): Result<void> {
  const group = get(register, accountId, name);
  if (!group.ok) return group;
  const { database, groups, memberships, changes, onRemoved } = register;
  const { id } = group.value;
  const committed = commit(database, () => {
    database.prepare("DELETE FROM policy_attachment WHERE holder_id = ?").run(id);
    database.prepare("DELETE FROM ram_membership WHERE group_id = ?").run(id);
    database.prepare("DELETE FROM ram_group WHERE id = ?").run(id);
  });
  if (!committed.ok) return committed;
  groups.delete(id);
  for (const joined of memberships.values()) joined.delete(id);
  onRemoved(id);
  changes.announce({ subject: "group", action: "removed", id });
  return ok(undefined);
}

const insertMembership = "INSERT OR IGNORE INTO ram_membership (group_id, user_id) VALUES (?, ?)";
const deleteMembership = "DELETE FROM ram_membership WHERE group_id = ? AND user_id = ?";

function write({ database, changes }: Register, groupId: string, userId: string, sql: string): Result<void> {
  const committed = commit(database, () => database.prepare(sql).run(groupId, userId));
  if (!committed.ok) return committed;
  changes.announce({ subject: "group", action: "modified", id: groupId });
  return ok(undefined);
}

function enter({ memberships }: Pick<Register, "memberships">, groupId: string, userId: string): void {
  memberships.set(userId, (memberships.get(userId) ?? new Set<string>()).add(groupId));
}

function loadGroups(database: Database): Map<string, Group> {
  const rows = database.prepare("SELECT * FROM ram_group ORDER BY created_ms, id").all();
  return new Map(
    rows.map((row): [string, Group] => [
      String(row["id"]),
      {
        id: String(row["id"]),
        accountId: String(row["account_id"]),
        name: String(row["name"]),
        description: String(row["description"]),
        createdMs: Number(row["created_ms"]),
      },
    ]),
  );
}
