/** Who may do what: users, roles, policies, and the credentials that requests are signed with. */
import type { Database } from "../../database/mod.ts";
import type { AccessKeys } from "../access-key.ts";
import type { Changes } from "../change.ts";
import type { SecretBox } from "../secret.ts";
import { createCredentials, type Credentials } from "./credential.ts";
import { createPolicies, type Policies } from "./policy.ts";
import { createRoles, type Roles } from "./role.ts";
import { createSessions, type Sessions } from "./session.ts";
import { createUsers, type Users } from "./user.ts";

export interface Access {
  readonly users: Users;
  readonly roles: Roles;
  readonly policies: Policies;
  readonly sessions: Sessions;
  readonly credentials: Credentials;
}

interface Dependencies {
  readonly database: Database;
  readonly box: SecretBox;
  readonly changes: Changes;
  readonly accessKeys: AccessKeys;
  readonly nowMs: () => number;
}

export function createAccess({ database, box, changes, accessKeys, nowMs }: Dependencies): Access {
  const shared = { database, changes, nowMs };
  const policies = createPolicies(shared);
  const users = createUsers({
    ...shared,
    onRemoved: (userId) => {
      accessKeys.forgetUser(userId);
      policies.forget(userId);
    },
  });
  const roles = createRoles({ ...shared, onRemoved: (roleId) => policies.forget(roleId) });
  const sessions = createSessions({ box, nowMs });
  const credentials = createCredentials({ accessKeys, users, roles, sessions });
  return { users, roles, policies, sessions, credentials };
}
