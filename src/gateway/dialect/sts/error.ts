/** The error table of the Security Token Service, beside those that every service of the RPC style shares. */
import type { RpcResult } from "../rpc/mod.ts";

const wronglyFormed = (name: string): readonly [number, string] => [
  400,
  `The parameter ${name} is wrongly formed.`,
];
const mandatory = (name: string): readonly [number, string] => [400, `${name} is mandatory for this action.`];

/** Status and message of every code that an operation of this service answers. */
export const stsErrors = {
  MissingRoleArn: mandatory("RoleArn"),
  MissingRoleSessionName: mandatory("RoleSessionName"),
  "InvalidParameter.RoleArn": wronglyFormed("RoleArn"),
  "InvalidParameter.RoleSessionName": wronglyFormed("RoleSessionName"),
  "InvalidParameter.DurationSeconds": [400, "The Min/Max value of DurationSeconds is"],
  "InvalidParameter.PolicyGrammar": [400, "The parameter Policy has not passed grammar check."],
  "InvalidParameter.PolicySize": [400, "The size of the parameter Policy is too large."],
  "EntityNotExist.Role": [404, "The role not exists:"],
  NoPermission: [403, "Roles may not be assumed by root accounts."],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

/** `tail` goes after the message, where that ends with what was wrong. */
export function stsFail(code: keyof typeof stsErrors, tail?: string): RpcResult<never> {
  const [status, message] = stsErrors[code];
  return { ok: false, error: { status, code, message: tail === undefined ? message : `${message} ${tail}` } };
}
