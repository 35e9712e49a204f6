/** What a call names, as policies name it. */
import type { Control } from "../../../control/mod.ts";
import type { RpcCall } from "./service.ts";

export type NamedControl = Pick<Control, "flowLogs" | "resources">;

/**
 * The id of a flow log or resource that a call may name by its UUID as well: a policy about it holds by
 * either. What is not the account's, or not there, is called as the call calls it.
 */
export function policyIdOf(
  kind: keyof NamedControl,
  id: string,
  control: NamedControl,
  { principal }: RpcCall,
): string {
  const found = control[kind].find(id);
  return found?.accountId === principal.accountId ? found.id : id;
}
