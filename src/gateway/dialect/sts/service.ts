/** Security Token Service, Sts 2015-04-01: AssumeRole and GetCallerIdentity. */
import type { RpcCall, RpcObject, RpcOperation, RpcResult, RpcService } from "../rpc/mod.ts";
import { assumeRole, roleArnOf, type StsDependencies } from "./assume-role.ts";

export function createStsService(dependencies: StsDependencies): RpcService {
  return {
    product: "Sts",
    version: "2015-04-01",
    operations: new Map<string, RpcOperation>([
      [
        "AssumeRole",
        {
          permission: { action: "sts:AssumeRole", resources: (call) => [roleArnOf(call)] },
          run: (call) => assumeRole(dependencies, call),
        },
      ],
      ["GetCallerIdentity", { permission: "everyone", run: getCallerIdentity }],
    ]),
  };
}

const identityTypes = { account: "Account", user: "RAMUser", role: "AssumedRoleUser" } as const;

function getCallerIdentity({ principal }: RpcCall): RpcResult<RpcObject> {
  const { kind, accountId, arn, id, session } = principal;
  const principalId = session === undefined ? id : `${id}:${session.name}`;
  const own = kind === "role" ? { RoleId: id } : { UserId: id };
  return {
    ok: true,
    value: {
      IdentityType: identityTypes[kind],
      AccountId: accountId,
      PrincipalId: principalId,
      ...own,
      Arn: arn,
    },
  };
}
