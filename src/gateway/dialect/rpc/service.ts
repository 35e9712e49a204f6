/** A service of the RPC style: a product's operations in one version. */
import type { AccessRequest, Principal } from "../../../control/mod.ts";
import type { RpcObject } from "./answer.ts";
import type { RpcError, RpcResult } from "./error.ts";

export interface RpcCall {
  readonly principal: Principal;
  readonly parameters: ReadonlyMap<string, string>;
  /** The authority that the client called, as it wrote it. */
  readonly host: string;
  /** What the connection says, for policies' conditions. */
  readonly conditions: AccessRequest["conditions"];
}

export interface RpcPermission {
  /** As policies spell it: `smartag:CreateFlowLog`. */
  readonly action: string;
  /** ARNs of what the call is about, each of which must be allowed; read off parameters not yet judged. */
  resources(call: RpcCall): readonly string[];
}

export interface RpcOperation {
  /** What the caller must be allowed; "everyone" where it is enough to have signed. */
  readonly permission: RpcPermission | "everyone";
  /** Answers what stands beside the RequestId. */
  run(call: RpcCall): RpcResult<RpcObject> | Promise<RpcResult<RpcObject>>;
}

export interface RpcService {
  /** The product's code, as error pages are found by it. */
  readonly product: string;
  readonly version: string;
  readonly operations: ReadonlyMap<string, RpcOperation>;
  /** What is answered to a caller who may not; the style's own `NoPermission` if not given. */
  readonly denied?: RpcError;
}
