/** A service of the RPC style: a product's operations in one version. */
import type { Principal } from "../../auth/mod.ts";
import type { RpcObject } from "./answer.ts";
import type { RpcResult } from "./error.ts";

export interface RpcCall {
  readonly principal: Principal;
  readonly parameters: ReadonlyMap<string, string>;
  /** The authority that the client called, as it wrote it. */
  readonly host: string;
}

/** Answers what stands beside the RequestId. */
export type RpcOperation = (call: RpcCall) => RpcResult<RpcObject> | Promise<RpcResult<RpcObject>>;

export interface RpcService {
  /** The product's code, as error pages are found by it. */
  readonly product: string;
  readonly version: string;
  readonly operations: ReadonlyMap<string, RpcOperation>;
}
