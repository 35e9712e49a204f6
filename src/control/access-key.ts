/** Access keys: the id and secret that a client signs with. Secrets are sealed at rest and shown once. */
import { fail, newAccessKey, ok, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";
import type { Changes } from "./change.ts";
import { commit } from "./commit.ts";
import type { SecretBox } from "./secret.ts";

export interface AccessKey {
  readonly accessKeyId: string;
  readonly accountId: string;
  /** Whose key it is; absent, it is the account's own and may do everything. */
  readonly userId?: string;
  readonly status: "active" | "inactive";
  readonly createdMs: number;
}

export interface AccessKeyWithSecret extends AccessKey {
  readonly accessKeySecret: string;
}

/** A key as the operator names it: letters and digits, and what appears in no header or URL as syntax. */
export interface GivenAccessKey {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

export interface AccessKeys {
  /**
   * Makes a key; the answer is the only one that ever holds its secret. Without `userId` it is the
   * account's own; `given` names the pair instead of a random one. Faults: `InputInvalid`.
   */
  create(
    accountId: string,
    options?: { readonly userId?: string; readonly given?: GivenAccessKey },
  ): Result<AccessKeyWithSecret>;
  /**
   * Makes the given key of the account, or gives the existing one this secret and switches it on. Faults:
   * `InputInvalid`, also for the key of a user.
   */
  ensure(accountId: string, given: GivenAccessKey): Result<AccessKeyWithSecret>;
  /** The account's own and its users'. */
  list(accountId: string): readonly AccessKey[];
  /** What a signature is verified with. Faults: `AccessKeyNotFound`, `AccessKeyInactive`. */
  find(accessKeyId: string): Result<AccessKeyWithSecret>;
  /** Faults: `AccessKeyNotFound`. */
  setStatus(accountId: string, accessKeyId: string, status: AccessKey["status"]): Result<AccessKey>;
  remove(accountId: string, accessKeyId: string): Result<void>;
  /** Forgets the keys of a user whose rows are gone. */
  forgetUser(userId: string): void;
}

const idPattern = /^[A-Za-z0-9._-]{8,128}$/u;
const secretPattern = /^[\u0021-\u007e]{8,128}$/u;

interface Dependencies {
  readonly database: Database;
  readonly box: SecretBox;
  readonly changes: Changes;
  readonly nowMs: () => number;
}

/** Every key is kept opened in memory: each signed request needs its secret. */
interface KeyRing extends Dependencies {
  readonly keys: Map<string, AccessKeyWithSecret>;
}

export function createAccessKeys(dependencies: Dependencies): Result<AccessKeys> {
  const loaded = load(dependencies.database, dependencies.box);
  if (!loaded.ok) return loaded;
  const keys = loaded.value;
  const ring: KeyRing = { ...dependencies, keys };
  return ok({
    create: (accountId, { userId, given } = {}) => {
      const checked = given === undefined ? ok(newAccessKey()) : checkGiven(given);
      if (!checked.ok) return checked;
      return keys.has(checked.value.accessKeyId)
        ? exists(checked.value.accessKeyId)
        : make(ring, accountId, checked.value, userId);
    },
    ensure: (accountId, given) => {
      const checked = checkGiven(given);
      if (!checked.ok) return checked;
      const known = keys.get(given.accessKeyId);
      if (known === undefined) return make(ring, accountId, given);
      if (known.userId !== undefined) return ofUser(given.accessKeyId);
      if (known.accessKeySecret === given.accessKeySecret && known.status === "active") return ok(known);
      const next = { ...known, accessKeySecret: given.accessKeySecret, status: "active" } as const;
      return save(ring, next, "modified");
    },
    list: (accountId) => [...keys.values()].filter((key) => key.accountId === accountId).map(withoutSecret),
    find: (accessKeyId) => {
      const key = keys.get(accessKeyId);
      if (key === undefined) return notFound(accessKeyId);
      if (key.status === "active") return ok(key);
      return fail("AccessKeyInactive", `the access key ${accessKeyId} is disabled`, { value: accessKeyId });
    },
    setStatus: (accountId, accessKeyId, status) => {
      const key = owned(ring, accountId, accessKeyId);
      if (!key.ok) return key;
      const saved = save(ring, { ...key.value, status }, "modified");
      return saved.ok ? ok(withoutSecret(saved.value)) : saved;
    },
    remove: (accountId, accessKeyId) => {
      const key = owned(ring, accountId, accessKeyId);
      return key.ok ? remove(ring, accessKeyId) : key;
    },
    forgetUser: (userId) => {
      for (const key of keys.values()) if (key.userId === userId) keys.delete(key.accessKeyId);
    },
  });
}

function make(
  ring: KeyRing,
  accountId: string,
  { accessKeyId, accessKeySecret }: GivenAccessKey,
  userId?: string,
): Result<AccessKeyWithSecret> {
  const owner = userId === undefined ? { accountId } : { accountId, userId };
  const createdMs = ring.nowMs();
  return save(ring, { accessKeyId, accessKeySecret, ...owner, status: "active", createdMs }, "created");
}

function save(
  { database, box, keys, changes }: KeyRing,
  key: AccessKeyWithSecret,
  action: "created" | "modified",
): Result<AccessKeyWithSecret> {
  const { accessKeyId, accountId, userId = null, status, createdMs } = key;
  const sealed = box.seal(key.accessKeySecret, accessKeyId);
  const upsert =
    "INSERT OR REPLACE INTO access_key (id, account_id, user_id, sealed_secret, status, created_ms) VALUES (?, ?, ?, ?, ?, ?)";
  const committed = commit(database, () =>
    database.prepare(upsert).run(accessKeyId, accountId, userId, sealed, status, createdMs),
  );
  if (!committed.ok) return committed;
  keys.set(accessKeyId, key);
  changes.announce({ subject: "accessKey", action, id: accessKeyId });
  return ok(key);
}

function remove({ database, keys, changes }: KeyRing, accessKeyId: string): Result<void> {
  const committed = commit(database, () =>
    database.prepare("DELETE FROM access_key WHERE id = ?").run(accessKeyId),
  );
  if (!committed.ok) return committed;
  keys.delete(accessKeyId);
  changes.announce({ subject: "accessKey", action: "removed", id: accessKeyId });
  return ok(undefined);
}

function owned({ keys }: KeyRing, accountId: string, accessKeyId: string): Result<AccessKeyWithSecret> {
  const key = keys.get(accessKeyId);
  return key?.accountId === accountId ? ok(key) : notFound(accessKeyId);
}

function load(database: Database, box: SecretBox): Result<Map<string, AccessKeyWithSecret>> {
  const keys = new Map<string, AccessKeyWithSecret>();
  for (const row of database.prepare("SELECT * FROM access_key ORDER BY created_ms, id").all()) {
    const accessKeyId = String(row["id"]);
    const secret = box.open(row["sealed_secret"] as Uint8Array, accessKeyId);
    if (!secret.ok) return secret;
    keys.set(accessKeyId, {
      accessKeyId,
      accessKeySecret: secret.value,
      accountId: String(row["account_id"]),
      ...(row["user_id"] === null ? {} : { userId: String(row["user_id"]) }),
      status: row["status"] === "active" ? "active" : "inactive",
      createdMs: Number(row["created_ms"]),
    });
  }
  return ok(keys);
}

function withoutSecret({ accessKeySecret: _secret, ...key }: AccessKeyWithSecret): AccessKey {
  return key;
}

function checkGiven(given: GivenAccessKey): Result<GivenAccessKey> {
  if (!idPattern.test(given.accessKeyId)) {
    return fail("InputInvalid", "the access key id has a form that clients cannot send", {
      field: "accessKeyId",
      value: given.accessKeyId,
      allowed: "8 to 128 letters, digits, dots, hyphens and underscores",
    });
  }
  if (secretPattern.test(given.accessKeySecret)) return ok(given);
  return fail("InputInvalid", "the access key secret has a form that clients cannot use", {
    field: "accessKeySecret",
    allowed: "8 to 128 printable ASCII characters without spaces",
  });
}

function exists(accessKeyId: string): Result<never> {
  return fail("InputInvalid", `the access key ${accessKeyId} exists already`, {
    field: "accessKeyId",
    value: accessKeyId,
  });
}

function ofUser(accessKeyId: string): Result<never> {
  return fail("InputInvalid", `the access key ${accessKeyId} is a user's, and cannot be the account's own`, {
    field: "accessKeyId",
    value: accessKeyId,
  });
}

function notFound(accessKeyId: string): Result<never> {
  return fail("AccessKeyNotFound", `there is no access key ${accessKeyId}`, { value: accessKeyId });
}
