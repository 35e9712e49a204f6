/** Who may do what: users and their groups, roles, policies, and the credentials that requests are signed with. */
import type { Database } from "../../database/mod.ts";
import type { AccessKeys } from "../access-key.ts";
import type { Changes } from "../change.ts";
import type { SecretBox } from "../secret.ts";
import { createCredentials, type Credentials } from "./credential.ts";
import { createGroups, type Groups } from "./group.ts";
import { createPolicies, type Policies } from "./policy.ts";
import type { PolicyDocument } from "./policy-document.ts";
import { createRoles, type Roles } from "./role.ts";
import { createSessions, type Sessions } from "./session.ts";
import { createUsers, type Users } from "./user.ts";

export interface Access {
  readonly users: Users;
  readonly groups: Groups;
  readonly roles: Roles;
  readonly policies: Policies;
  readonly sessions: Sessions;
  readonly credentials: Credentials;
  /** What the policies say that a user has, those of its groups among them, or a role. */
  policiesOf(holderId: string): readonly PolicyDocument[];
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
  const groups = createGroups({ ...shared, onRemoved: (groupId) => policies.forget(groupId) });
  const users = createUsers({
    ...shared,
    onRemoved: (userId) => {
      accessKeys.forgetUser(userId);
      policies.forget(userId);
      groups.forget(userId);
    },
  });
  const roles = createRoles({ ...shared, onRemoved: (roleId) => policies.forget(roleId) });
  const sessions = createSessions({ box, nowMs });
  const credentials = createCredentials({ accessKeys, users, roles, sessions });
  const policiesOf = (holderId: string): readonly PolicyDocument[] =>
    [holderId, ...groups.groupsOf(holderId)].flatMap((id) => policies.documentsOf(id));
  return { users, groups, roles, policies, sessions, credentials, policiesOf };
}
