/** Who a request is from, once its signature holds. */

export interface Principal {
  readonly kind: "account" | "user" | "role";
  readonly accountId: string;
  /**
   * `acs:ram::<account>:root`, `acs:ram::<account>:user/<name>`, or
   * `acs:ram::<account>:assumed-role/<role>/<session>`.
   */
  readonly arn: string;
  /** The user's or role's name; of the account itself its id. */
  readonly name: string;
  /** The id of the account, user or role. */
  readonly id: string;
  readonly accessKeyId: string;
  /** Of a role's session alone. */
  readonly session?: RoleSession;
}

export interface RoleSession {
  readonly name: string;
  readonly expiresMs: number;
  /** A policy document that narrows the role's own rights; absent, the session has them all. */
  readonly policy?: string;
}

export function accountArn(accountId: string): string {
  return `acs:ram::${accountId}:root`;
}

export function userArn(accountId: string, name: string): string {
  return `acs:ram::${accountId}:user/${name}`;
}

export function roleArn(accountId: string, name: string): string {
  return `acs:ram::${accountId}:role/${name}`;
}

export function assumedRoleArn(accountId: string, role: string, session: string): string {
  return `acs:ram::${accountId}:assumed-role/${role}/${session}`;
}

export function accountPrincipal(accountId: string, accessKeyId: string): Principal {
  return {
    kind: "account",
    accountId,
    arn: accountArn(accountId),
    name: accountId,
    id: accountId,
    accessKeyId,
  };
}
