/** Reading the parameters of VPC calls: words of this API to the core's, and lists. */
import type { FlowLogTarget, TrafficFilter } from "../../../control/mod.ts";
import { type Parameters, type RpcResult, textOf } from "../rpc/mod.ts";
import { refuse, type VpcErrorCode } from "./error.ts";

export const pageSizeDefault = 20;

type TargetType = FlowLogTarget["type"];
type TrafficType = TrafficFilter["trafficType"];
type IpVersions = TrafficFilter["ipVersions"];

/** Words of the API and what they are in the core, for reading and for answering. */
interface Words<T> {
  readonly toCore: (word: string) => T | undefined;
  readonly fromCore: (value: T) => string;
}

function wordsOf<T>(pairs: readonly (readonly [word: string, value: T])[]): Words<T> {
  const key = (value: T): string => JSON.stringify(value);
  const values = new Map(pairs);
  const words = new Map(pairs.map(([word, value]) => [key(value), word]));
  return { toCore: (word) => values.get(word), fromCore: (value) => words.get(key(value)) ?? "" };
}

export const resourceTypes = wordsOf<TargetType>([
  ["NetworkInterface", "interface"],
  ["VSwitch", "subnet"],
  ["VPC", "vpc"],
]);

export const trafficTypes = wordsOf<TrafficType>([
  ["All", "all"],
  ["Allow", "accept"],
  ["Drop", "reject"],
]);

/** The service's documentation names the first alone. */
export const ipVersions = wordsOf<IpVersions>([
  ["IPv4", [4]],
  ["IPv6", [6]],
  ["DualStack", [4, 6]],
]);

const trafficPaths: ReadonlySet<string> = new Set([
  "all",
  "internetGateway",
  "natGateway",
  "vpnGateway",
  "transitRouter",
  "gatewayEndpoint",
  "vbr",
  "ecr",
  "ipv4Gateway",
  "gatewayLoadBalancerEndpoint",
]);

/** The core's value of a word; undefined where the parameter is absent or empty, `code` for another word. */
export function wordOf<T>(
  parameters: Parameters,
  name: string,
  words: Words<T>,
  code: VpcErrorCode,
): RpcResult<T | undefined> {
  const text = textOf(parameters, name);
  if (text === "") return { ok: true, value: undefined };
  const value = words.toCore(text);
  return value === undefined ? refuse(code) : { ok: true, value };
}

/** `name.1`, `name.2` and so on: their values in the order of their numbers. */
export function listOf(parameters: Parameters, name: string): string[] {
  return numbered(parameters, name).map(([, value]) => value);
}

const trafficPathsMax = 20;

/** Undefined where no path is named. */
export function trafficPathsOf(parameters: Parameters): RpcResult<readonly string[] | undefined> {
  const paths = listOf(parameters, "TrafficPath");
  if (paths.length === 0) return { ok: true, value: undefined };
  if (paths.length > trafficPathsMax || paths.some((path) => !trafficPaths.has(path))) {
    return refuse("IllegalParam.TrafficPath");
  }
  if (new Set(paths).size < paths.length) return refuse("DuplicatedParam.TrafficPath");
  return { ok: true, value: paths };
}

/** The parameters `name.N` and what follows the number, ordered by N; `rest` is what stands behind it. */
export function numbered(parameters: Parameters, name: string, rest = ""): [number, string][] {
  const found: [number, string][] = [];
  for (const [key, value] of parameters) {
    if (!key.startsWith(`${name}.`) || !key.endsWith(rest)) continue;
    const number = key.slice(name.length + 1, key.length - rest.length);
    if (/^[1-9]\d{0,3}$/u.test(number)) found.push([Number(number), value]);
  }
  return found.toSorted(([left], [right]) => left - right);
}
