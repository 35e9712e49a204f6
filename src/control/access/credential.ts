/** From what a request names, an access key and perhaps a token, to whom it is from and what it is signed with. */
import { fail, ok, type Result } from "../../base/mod.ts";
import type { AccessKeys } from "../access-key.ts";
import { accountPrincipal, assumedRoleArn, type Principal, userArn } from "./principal.ts";
import type { Roles } from "./role.ts";
import { sessionKeyPrefix, type Sessions } from "./session.ts";
import type { Users } from "./user.ts";

export interface Credential {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly principal: Principal;
}

export interface Credentials {
  /**
   * `securityToken` is the one that the request brings; undefined or "" if it brings none. Faults:
   * `AccessKeyNotFound`, `AccessKeyInactive`; `SecurityTokenMissing` for a session's key without its token,
   * `SecurityTokenMalformed`, `SecurityTokenExpired`, and `SecurityTokenMismatch` for another key's.
   */
  find(accessKeyId: string, securityToken?: string): Result<Credential>;
}

interface Dependencies {
  readonly accessKeys: AccessKeys;
  readonly users: Users;
  readonly roles: Roles;
  readonly sessions: Sessions;
}

export function createCredentials(dependencies: Dependencies): Credentials {
  return {
    find: (accessKeyId, securityToken = "") => {
      if (securityToken !== "") return findSession(dependencies, accessKeyId, securityToken);
      return accessKeyId.startsWith(sessionKeyPrefix)
        ? fail(
            "SecurityTokenMissing",
            `the key ${accessKeyId} of a session comes without its security token`,
            {
              field: "SecurityToken",
            },
          )
        : findKey(dependencies, accessKeyId);
    },
  };
}

function findKey({ accessKeys, users }: Dependencies, accessKeyId: string): Result<Credential> {
  const key = accessKeys.find(accessKeyId);
  if (!key.ok) return key;
  const { accountId, userId, accessKeySecret } = key.value;
  if (userId === undefined) {
    return ok({ accessKeyId, accessKeySecret, principal: accountPrincipal(accountId, accessKeyId) });
  }
  const user = users.find(userId);
  if (user === undefined) return fail("AccessKeyNotFound", `there is no access key ${accessKeyId}`);
  const { id, name } = user;
  const arn = userArn(accountId, name);
  return ok({
    accessKeyId,
    accessKeySecret,
    principal: { kind: "user", accountId, arn, name, id, accessKeyId },
  });
}

function findSession(
  { sessions, roles }: Dependencies,
  accessKeyId: string,
  securityToken: string,
): Result<Credential> {
  const session = sessions.open(securityToken);
  if (!session.ok) return session;
  const { accessKeySecret, roleId, sessionName, expiresMs, policy } = session.value;
  if (session.value.accessKeyId !== accessKeyId) {
    return fail("SecurityTokenMismatch", "the security token belongs to another access key", {
      field: "SecurityToken",
    });
  }
  const role = roles.find(roleId);
  if (role === undefined) {
    return fail("SecurityTokenExpired", "the role of the security token is no more", {
      field: "SecurityToken",
    });
  }
  const { accountId, name } = role;
  return ok({
    accessKeyId,
    accessKeySecret,
    principal: {
      kind: "role",
      accountId,
      arn: assumedRoleArn(accountId, name, sessionName),
      name,
      id: roleId,
      accessKeyId,
      session: { name: sessionName, expiresMs, ...(policy === undefined ? {} : { policy }) },
    },
  });
}
