/** Roles: rights that are lent for a time to whom the role's trust policy names. */
import { fail, ok, type Result } from "../../base/mod.ts";
import type { Database } from "../../database/mod.ts";
import type { Changes } from "../change.ts";
import { commit } from "../commit.ts";
import { checkDescription, checkName, newEntityId } from "./name.ts";
import { parseTrustPolicy, type TrustStatement } from "./policy-document.ts";

export interface Role {
  /** 18 digits; a role of the same name, made anew, has another, and old sessions are not its own. */
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly description: string;
  /** The trust policy as it was given. */
  readonly trustPolicy: string;
  /** The longest session, seconds. */
  readonly sessionSMax: number;
  readonly createdMs: number;
}

export interface RoleSettings {
  readonly trustPolicy: string;
  readonly description?: string;
  readonly sessionSMax?: number;
}

export interface Roles {
  /** Faults: `InputInvalid`, `InputOutOfRange`, `PolicyMalformed`, `RoleExists`. */
  create(accountId: string, name: string, settings: RoleSettings): Result<Role>;
  /** What is absent keeps its value. Faults: likewise, and `RoleNotFound`. */
  modify(accountId: string, name: string, settings: Partial<RoleSettings>): Result<Role>;
  list(accountId: string): readonly Role[];
  /** Fault: `RoleNotFound`. */
  get(accountId: string, name: string): Result<Role>;
  find(id: string): Role | undefined;
  trustOf(id: string): readonly TrustStatement[];
  /** Takes the role's policies off it, too; its sessions end. Fault: `RoleNotFound`. */
  remove(accountId: string, name: string): Result<void>;
}

/** The service's bounds of a session, seconds. */
export const sessionBounds = { min: 900, default: 3600, max: 43_200 } as const;

interface Dependencies {
  readonly database: Database;
  readonly changes: Changes;
  readonly nowMs: () => number;
  /** Called after a role's rows are gone, for what is kept of it in memory elsewhere. */
  readonly onRemoved: (roleId: string) => void;
}

interface KnownRole extends Role {
  readonly trust: readonly TrustStatement[];
}

export function createRoles({ database, changes, nowMs, onRemoved }: Dependencies): Roles {
  const roles = load(database);
  const find = (accountId: string, name: string): Result<KnownRole> => {
    const role = [...roles.values()].find((each) => each.accountId === accountId && each.name === name);
    return role === undefined ? notFound(name) : ok(role);
  };
  const save = (role: Role, action: "created" | "modified"): Result<Role> => {
    const checked = check(role);
    if (!checked.ok) return checked;
    const committed = commit(database, () => write(database, role));
    if (!committed.ok) return committed;
    roles.set(role.id, { ...role, trust: checked.value });
    changes.announce({ subject: "role", action, id: role.id });
    return ok(role);
  };
  return {
    create: (accountId, name, { trustPolicy, description = "", sessionSMax = sessionBounds.default }) => {
      if (find(accountId, name).ok) return exists(name);
      const id = newEntityId("role");
      const role = { id, accountId, name, description, trustPolicy, sessionSMax, createdMs: nowMs() };
      return save(role, "created");
    },
    modify: (accountId, name, settings) => {
      const role = find(accountId, name);
      return role.ok ? save(withoutTrust({ ...role.value, ...settings }), "modified") : role;
    },
    list: (accountId) => [...roles.values()].filter((role) => role.accountId === accountId).map(withoutTrust),
    get: (accountId, name) => {
      const role = find(accountId, name);
      return role.ok ? ok(withoutTrust(role.value)) : role;
    },
    find: (id) => {
      const role = roles.get(id);
      return role === undefined ? undefined : withoutTrust(role);
    },
    trustOf: (id) => roles.get(id)?.trust ?? [],
    remove: (accountId, name) => {
      const role = find(accountId, name);
      if (!role.ok) return role;
      const { id } = role.value;
      const committed = commit(database, () => {
        database.prepare("DELETE FROM policy_attachment WHERE holder_id = ?").run(id);
        database.prepare("DELETE FROM ram_role WHERE id = ?").run(id);
      });
      if (!committed.ok) return committed;
      roles.delete(id);
      onRemoved(id);
      changes.announce({ subject: "role", action: "removed", id });
      return ok(undefined);
    },
  };
}

function check({ name, description, trustPolicy, sessionSMax }: Role): Result<readonly TrustStatement[]> {
  const named = checkName("role", name);
  if (!named.ok) return named;
  const described = checkDescription("description", description);
  if (!described.ok) return described;
  const { min, max } = sessionBounds;
  if (!Number.isInteger(sessionSMax) || sessionSMax < sessionBounds.default || sessionSMax > max) {
    return fail("InputOutOfRange", `a session of ${sessionSMax} seconds cannot be the longest`, {
      field: "sessionSMax",
      value: `${sessionSMax}`,
      allowed: `an integer from ${sessionBounds.default} to ${max}; a session may be as short as ${min}`,
    });
  }
  return parseTrustPolicy(trustPolicy);
}

function write(database: Database, role: Role): void {
  const { id, accountId, name, description, trustPolicy, sessionSMax, createdMs } = role;
  database
    .prepare(
      "INSERT OR REPLACE INTO ram_role (id, account_id, name, description, trust_policy, session_s_max, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .run(id, accountId, name, description, trustPolicy, sessionSMax, createdMs);
}

function load(database: Database): Map<string, KnownRole> {
  const roles = new Map<string, KnownRole>();
  for (const row of database.prepare("SELECT * FROM ram_role ORDER BY created_ms, id").all()) {
    const trustPolicy = String(row["trust_policy"]);
    const trust = parseTrustPolicy(trustPolicy);
    const id = String(row["id"]);
    roles.set(id, {
      id,
      accountId: String(row["account_id"]),
      name: String(row["name"]),
      description: String(row["description"]),
      trustPolicy,
      sessionSMax: Number(row["session_s_max"]),
      createdMs: Number(row["created_ms"]),
      // It was accepted once; if this version reads it otherwise, it trusts nobody.
      trust: trust.ok ? trust.value : [],
    });
  }
  return roles;
}

function withoutTrust({ trust: _trust, ...role }: Role & { trust?: unknown }): Role {
  return role;
}

function notFound(name: string): Result<never> {
  const value = name.slice(0, 80);
  return fail("RoleNotFound", `there is no role ${value}`, {
    field: "role",
    value,
    remedy: "./weir role list shows those that there are",
  });
}

function exists(name: string): Result<never> {
  return fail("RoleExists", `there is a role ${name} already`, { field: "name", value: name });
}
