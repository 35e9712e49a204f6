/** Who may do what: users, roles, policies, sessions. */
export { type Access, createAccess } from "./access.ts";
export type { Credential, Credentials } from "./credential.ts";
export { type AccessRequest, evaluate, evaluateTrust, type Verdict } from "./evaluation.ts";
export type { Group, Groups } from "./group.ts";
export type { Policies, Policy } from "./policy.ts";
export { parsePolicyDocument, type PolicyDocument } from "./policy-document.ts";
export { accountArn, assumedRoleArn, type Principal, roleArn } from "./principal.ts";
export { type Role, type Roles, sessionBounds } from "./role.ts";
export { accessMigration, groupMigration } from "./schema.ts";
export type { SessionCredentials, Sessions } from "./session.ts";
export type { User, Users } from "./user.ts";
