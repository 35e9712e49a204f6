/** AssumeRole: the rights of a role for a time, for whom the role trusts and whose own policies let it. */
import {
  type Access,
  assumedRoleArn,
  parsePolicyDocument,
  type Role,
  sessionBounds,
} from "../../../control/mod.ts";
import type { RoleTrust } from "../../auth/mod.ts";
import { commonError, type RpcCall, type RpcObject, type RpcResult, textOf } from "../rpc/mod.ts";
import { stsFail } from "./error.ts";

export interface StsDependencies {
  readonly access: Access;
  readonly trust: RoleTrust;
}

const sessionNamePattern = /^[a-zA-Z0-9.@\-_]{2,64}$/u;
const policyLengthMax = 2048;

/** The ARN as it was asked for, which is what the caller's policies are to allow. */
export function roleArnOf({ parameters }: RpcCall): string {
  return textOf(parameters, "RoleArn");
}

export function assumeRole({ access, trust }: StsDependencies, call: RpcCall): RpcResult<RpcObject> {
  const { principal } = call;
  if (principal.kind === "account") return stsFail("NoPermission");
  const role = findRole(access, call);
  if (!role.ok) return role;
  const trusted = trust.authorizeAssumption(principal, role.value, conditionsOf(call));
  if (!trusted.ok) {
    // A role of another account that does not trust the caller is, to the caller, none.
    if (role.value.accountId !== principal.accountId) return noRole(call);
    return { ok: false, error: commonError(trusted.fault) };
  }
  const settings = settingsOf(call, role.value);
  if (!settings.ok) return settings;
  const { name, ...begun } = settings.value;
  const credentials = access.sessions.begin({ role: role.value, name, ...begun });
  return {
    ok: true,
    value: {
      AssumedRoleUser: {
        Arn: assumedRoleArn(role.value.accountId, role.value.name, name),
        AssumedRoleId: `${role.value.id}:${name}`,
      },
      Credentials: {
        AccessKeyId: credentials.accessKeyId,
        AccessKeySecret: credentials.accessKeySecret,
        SecurityToken: credentials.securityToken,
        Expiration: new Date(credentials.expiresMs).toISOString().replace(".000Z", "Z"),
      },
    },
  };
}

/** A role that is lent to others' programs may ask them for a word that was agreed on. */
function conditionsOf({ conditions, parameters }: RpcCall): RpcCall["conditions"] {
  const externalId = textOf(parameters, "ExternalId");
  return externalId === "" ? conditions : { ...conditions, "sts:ExternalId": externalId };
}

/** The caller's account's or another's. */
function findRole({ roles }: Access, call: RpcCall): RpcResult<Role> {
  const given = roleArnOf(call);
  if (given === "") return stsFail("MissingRoleArn");
  const match = /^acs:ram::(\d{1,32}):role\/([\w.@-]{1,64})$/u.exec(given);
  if (match === null) return stsFail("InvalidParameter.RoleArn");
  const [, accountId, name] = match;
  const role = roles.get(accountId!, name!);
  return role.ok ? role : noRole(call);
}

function noRole(call: RpcCall): RpcResult<never> {
  return stsFail("EntityNotExist.Role", roleArnOf(call));
}

interface SessionSettings {
  readonly name: string;
  readonly durationS: number;
  readonly policy?: string;
}

function settingsOf({ parameters }: RpcCall, role: Role): RpcResult<SessionSettings> {
  const name = textOf(parameters, "RoleSessionName");
  if (name === "") return stsFail("MissingRoleSessionName");
  if (!sessionNamePattern.test(name)) return stsFail("InvalidParameter.RoleSessionName");
  const duration = textOf(parameters, "DurationSeconds");
  const durationS = duration === "" ? sessionBounds.default : Number(duration);
  if (!/^\d{0,9}$/u.test(duration) || durationS < sessionBounds.min || durationS > role.sessionSMax) {
    const bounds = `${sessionBounds.min / 60}min/${role.sessionSMax / 3600}hr.`;
    return stsFail("InvalidParameter.DurationSeconds", bounds);
  }
  const policy = textOf(parameters, "Policy");
  if (policy === "") return { ok: true, value: { name, durationS } };
  if (policy.length > policyLengthMax) return stsFail("InvalidParameter.PolicySize");
  if (!parsePolicyDocument(policy).ok) return stsFail("InvalidParameter.PolicyGrammar");
  return { ok: true, value: { name, durationS, policy } };
}
