/** AssumeRole: the rights of a role for a time, for whom the role trusts and whose own policies let it. */
import {
  type Access,
  assumedRoleArn,
  parsePolicyDocument,
  type Role,
  sessionBounds,
} from "../../../control/mod.ts";
import {
  commonError,
  commonErrors,
  rpcFail,
  type RpcCall,
  type RpcObject,
  type RpcResult,
  textOf,
} from "../rpc/mod.ts";
import type { RoleTrust } from "../../auth/mod.ts";

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
  if (principal.kind === "account") {
    return rpcFail(403, commonErrors.noPermission.code, "Roles may not be assumed by root accounts.");
  }
  const role = findRole(access, call);
  if (!role.ok) return role;
  const settings = settingsOf(call, role.value);
  if (!settings.ok) return settings;
  const trusted = trust.authorizeAssumption(principal, role.value, call.conditions);
  if (!trusted.ok) return { ok: false, error: commonError(trusted.fault) };
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

/** A role of another account is one that does not exist: this installation vouches for its own alone. */
function findRole({ roles }: Access, call: RpcCall): RpcResult<Role> {
  const given = roleArnOf(call);
  if (given === "") return rpcFail(400, "MissingRoleArn", "RoleArn is mandatory for this action.");
  const match = /^acs:ram::(\d{1,32}):role\/([\w.@-]{1,64})$/u.exec(given);
  if (match === null) return invalid("RoleArn");
  const [, accountId, name] = match;
  const role = accountId === call.principal.accountId ? roles.get(accountId, name!) : undefined;
  if (role?.ok === true) return role;
  return rpcFail(404, "EntityNotExist.Role", `The role not exists: ${given}`);
}

interface SessionSettings {
  readonly name: string;
  readonly durationS: number;
  readonly policy?: string;
}

function settingsOf({ parameters }: RpcCall, role: Role): RpcResult<SessionSettings> {
  const name = textOf(parameters, "RoleSessionName");
  if (name === "") {
    return rpcFail(400, "MissingRoleSessionName", "RoleSessionName is mandatory for this action.");
  }
  if (!sessionNamePattern.test(name)) return invalid("RoleSessionName");
  const duration = textOf(parameters, "DurationSeconds");
  const durationS = duration === "" ? sessionBounds.default : Number(duration);
  if (!/^\d{0,9}$/u.test(duration) || durationS < sessionBounds.min || durationS > role.sessionSMax) {
    const bounds = `${sessionBounds.min / 60}min/${role.sessionSMax / 3600}hr`;
    const message = `The Min/Max value of DurationSeconds is ${bounds}.`;
    return rpcFail(400, "InvalidParameter.DurationSeconds", message);
  }
  const policy = textOf(parameters, "Policy");
  if (policy === "") return { ok: true, value: { name, durationS } };
  if (policy.length > policyLengthMax) {
    return rpcFail(400, "InvalidParameter.PolicySize", "The size of the parameter Policy is too large.");
  }
  if (!parsePolicyDocument(policy).ok) {
    return rpcFail(
      400,
      "InvalidParameter.PolicyGrammar",
      "The parameter Policy has not passed grammar check.",
    );
  }
  return { ok: true, value: { name, durationS, policy } };
}

function invalid(name: string): RpcResult<never> {
  return rpcFail(400, `InvalidParameter.${name}`, `The parameter ${name} is wrongly formed.`);
}
