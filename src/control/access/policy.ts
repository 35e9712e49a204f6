/** Policies of an account, those of the system, and to whom they are attached. */
import { fail, ok, type Result, unwrap } from "../../base/mod.ts";
import type { Database } from "../../database/mod.ts";
import type { Changes } from "../change.ts";
import { commit } from "../commit.ts";
import { checkDescription, checkName } from "./name.ts";
import { parsePolicyDocument, type PolicyDocument } from "./policy-document.ts";
import { systemPolicies } from "./system-policy.ts";

export interface Policy {
  readonly name: string;
  readonly type: "Custom" | "System";
  readonly description: string;
  /** The document as it was given. */
  readonly document: string;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface Policies {
  /** Faults: `InputInvalid`, `PolicyMalformed`, `PolicyExists`. */
  create(accountId: string, name: string, settings: PolicySettings): Result<Policy>;
  /** What is absent keeps its value. Faults: likewise; `PolicyNotFound`, for a system policy `InputInvalid`. */
  modify(accountId: string, name: string, settings: Partial<PolicySettings>): Result<Policy>;
  /** Those of the account, then those of the system. */
  list(accountId: string): readonly Policy[];
  /** Fault: `PolicyNotFound`. */
  get(accountId: string, name: string): Result<Policy>;
  /** Faults: `PolicyNotFound`, `PolicyAttached`; `InputInvalid` for a system policy. */
  remove(accountId: string, name: string): Result<void>;
  /** Attaches a policy to a user or role; once more changes nothing. Fault: `PolicyNotFound`. */
  attach(accountId: string, name: string, holderId: string): Result<void>;
  /** Fault: `PolicyNotFound` when it was not attached. */
  detach(accountId: string, name: string, holderId: string): Result<void>;
  /** Ids of the users and roles that have the policy. */
  holdersOf(accountId: string, name: string): readonly string[];
  /** Names of the policies that a user or role has. */
  namesOf(holderId: string): readonly string[];
  /** What they say. */
  documentsOf(holderId: string): readonly PolicyDocument[];
  /** Forgets the attachments of a user or role whose rows are gone. */
  forget(holderId: string): void;
}

export interface PolicySettings {
  readonly document: string;
  readonly description?: string;
}

interface Dependencies {
  readonly database: Database;
  readonly changes: Changes;
  readonly nowMs: () => number;
}

interface KnownPolicy extends Policy {
  /** "" of a system policy, which every account has. */
  readonly accountId: string;
  readonly parsed: PolicyDocument;
}

interface Shelf extends Dependencies {
  readonly policies: Map<string, KnownPolicy>;
  /** For each holder, the keys of its policies. */
  readonly attached: Map<string, Set<string>>;
}

export function createPolicies(dependencies: Dependencies): Policies {
  const { database } = dependencies;
  const shelf: Shelf = { ...dependencies, policies: loadPolicies(database), attached: new Map() };
  for (const row of database.prepare("SELECT * FROM policy_attachment").all()) {
    const accountId = String(row["account_id"]);
    take(shelf, String(row["holder_id"]), shelfKey(shelf, accountId, String(row["policy_name"])));
  }
  const { policies, attached } = shelf;
  const keysOf = (holderId: string): readonly string[] => [...(attached.get(holderId) ?? [])];
  return {
    create: (accountId, name, settings) => {
      const checked = checkName("policy", name);
      if (!checked.ok) return checked;
      if (find(shelf, accountId, name).ok) return exists(name);
      const nowMs = shelf.nowMs();
      const blank = { description: "", ...settings, accountId, name, type: "Custom" } as const;
      return save(shelf, { ...blank, createdMs: nowMs, updatedMs: nowMs }, "created");
    },
    modify: (accountId, name, settings) => {
      const policy = findCustom(shelf, accountId, name);
      if (!policy.ok) return policy;
      return save(shelf, { ...policy.value, ...settings, updatedMs: shelf.nowMs() }, "modified");
    },
    list: (accountId) =>
      [...policies.values()]
        .filter((policy) => policy.type === "System" || policy.accountId === accountId)
        .sort((left, right) => left.type.localeCompare(right.type) || left.name.localeCompare(right.name))
        .map(shown),
    get: (accountId, name) => {
      const policy = find(shelf, accountId, name);
      return policy.ok ? ok(shown(policy.value)) : policy;
    },
    remove: (accountId, name) => remove(shelf, accountId, name),
    attach: (accountId, name, holderId) => attach(shelf, accountId, name, holderId),
    detach: (accountId, name, holderId) => detach(shelf, accountId, name, holderId),
    holdersOf: (accountId, name) => holdersOf(shelf, shelfKey(shelf, accountId, name)),
    namesOf: (holderId) => keysOf(holderId).flatMap((key) => policies.get(key)?.name ?? []),
    documentsOf: (holderId) => keysOf(holderId).flatMap((key) => policies.get(key)?.parsed ?? []),
    forget: (holderId) => void attached.delete(holderId),
  };
}

const systemKey = (name: string): string => `/${name}`;

/**
 * Names of system policies are taken in every account. An account's own goes first all the same: it may be
 * older than the system's.
 */
function shelfKey({ policies }: Pick<Shelf, "policies">, accountId: string, name: string): string {
  const own = `${accountId}/${name}`;
  return policies.has(systemKey(name)) && !policies.has(own) ? systemKey(name) : own;
}

function find(shelf: Shelf, accountId: string, name: string): Result<KnownPolicy> {
  const policy = shelf.policies.get(shelfKey(shelf, accountId, name));
  return policy === undefined ? notFound(name) : ok(policy);
}

function findCustom(shelf: Shelf, accountId: string, name: string): Result<KnownPolicy> {
  const policy = find(shelf, accountId, name);
  if (!policy.ok || policy.value.type === "Custom") return policy;
  return fail("InputInvalid", `${name} is a policy of the system, which nobody changes`, {
    field: "name",
    value: name,
  });
}

function save(
  { database, policies, changes }: Shelf,
  policy: Omit<KnownPolicy, "parsed">,
  action: "created" | "modified",
): Result<Policy> {
  const described = checkDescription("description", policy.description);
  if (!described.ok) return described;
  const parsed = parsePolicyDocument(policy.document);
  if (!parsed.ok) return parsed;
  const { accountId, name, description, document, createdMs, updatedMs } = policy;
  const committed = commit(database, () =>
    database
      .prepare(
        "INSERT OR REPLACE INTO policy (account_id, name, description, document, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?)",
      )
      .run(accountId, name, description, document, createdMs, updatedMs),
  );
  if (!committed.ok) return committed;
  const known = { ...policy, parsed: parsed.value };
  policies.set(`${accountId}/${name}`, known);
  changes.announce({ subject: "policy", action, id: name });
  return ok(shown(known));
}

function remove(shelf: Shelf, accountId: string, name: string): Result<void> {
  const policy = findCustom(shelf, accountId, name);
  if (!policy.ok) return policy;
  const key = shelfKey(shelf, accountId, name);
  const { length } = holdersOf(shelf, key);
  if (length > 0) {
    return fail("PolicyAttached", `the policy ${name} is attached to ${length} users and roles`, {
      field: "policy",
      value: name,
      remedy: `./weir policy show ${name} names them; detach it from each`,
    });
  }
  const committed = commit(shelf.database, () =>
    shelf.database.prepare("DELETE FROM policy WHERE account_id = ? AND name = ?").run(accountId, name),
  );
  if (!committed.ok) return committed;
  shelf.policies.delete(key);
  shelf.changes.announce({ subject: "policy", action: "removed", id: name });
  return ok(undefined);
}

function attach(shelf: Shelf, accountId: string, name: string, holderId: string): Result<void> {
  const policy = find(shelf, accountId, name);
  if (!policy.ok) return policy;
  const committed = commit(shelf.database, () =>
    shelf.database
      .prepare(
        "INSERT OR IGNORE INTO policy_attachment (account_id, policy_name, holder_id, created_ms) VALUES (?, ?, ?, ?)",
      )
      .run(accountId, name, holderId, shelf.nowMs()),
  );
  if (!committed.ok) return committed;
  take(shelf, holderId, shelfKey(shelf, accountId, name));
  shelf.changes.announce({ subject: "policy", action: "modified", id: name });
  return ok(undefined);
}

function detach(shelf: Shelf, accountId: string, name: string, holderId: string): Result<void> {
  const key = shelfKey(shelf, accountId, name);
  if (shelf.attached.get(holderId)?.has(key) !== true) {
    return fail("PolicyNotFound", `the policy ${name.slice(0, 80)} is not attached there`, {
      field: "policy",
      value: name.slice(0, 80),
    });
  }
  const committed = commit(shelf.database, () =>
    shelf.database
      .prepare("DELETE FROM policy_attachment WHERE account_id = ? AND policy_name = ? AND holder_id = ?")
      .run(accountId, name, holderId),
  );
  if (!committed.ok) return committed;
  shelf.attached.get(holderId)?.delete(key);
  shelf.changes.announce({ subject: "policy", action: "modified", id: name });
  return ok(undefined);
}

function take({ attached }: Shelf, holderId: string, key: string): void {
  attached.set(holderId, (attached.get(holderId) ?? new Set<string>()).add(key));
}

function holdersOf({ attached }: Shelf, key: string): readonly string[] {
  return [...attached].filter(([, keys]) => keys.has(key)).map(([holderId]) => holderId);
}

function loadPolicies(database: Database): Map<string, KnownPolicy> {
  const policies = new Map<string, KnownPolicy>();
  for (const { name, description, document } of systemPolicies) {
    const parsed = unwrap(parsePolicyDocument(document));
    const times = { createdMs: 0, updatedMs: 0 };
    policies.set(systemKey(name), {
      accountId: "",
      name,
      type: "System",
      description,
      document,
      parsed,
      ...times,
    });
  }
  for (const row of database.prepare("SELECT * FROM policy").all()) {
    const document = String(row["document"]);
    const accountId = String(row["account_id"]);
    const name = String(row["name"]);
    policies.set(`${accountId}/${name}`, {
      accountId,
      name,
      type: "Custom",
      description: String(row["description"]),
      document,
      parsed: unwrap(readable(name, parsePolicyDocument(document))),
      createdMs: Number(row["created_ms"]),
      updatedMs: Number(row["updated_ms"]),
    });
  }
  return policies;
}

/** What cannot be read is refused at the start rather than skipped: it may be what denies. */
function readable(name: string, parsed: Result<PolicyDocument>): Result<PolicyDocument> {
  if (parsed.ok) return parsed;
  return fail("DataDirectoryUnusable", `the policy ${name} cannot be read: ${parsed.fault.message}`, {
    field: "policy",
    value: name,
    cause: parsed.fault,
  });
}

function shown({ accountId: _accountId, parsed: _parsed, ...policy }: KnownPolicy): Policy {
  return policy;
}

function notFound(name: string): Result<never> {
  const value = name.slice(0, 80);
  return fail("PolicyNotFound", `there is no policy ${value}`, {
    field: "policy",
    value,
    remedy: "./weir policy list shows those that there are",
  });
}

function exists(name: string): Result<never> {
  return fail("PolicyExists", `there is a policy ${name} already`, { field: "name", value: name });
}
