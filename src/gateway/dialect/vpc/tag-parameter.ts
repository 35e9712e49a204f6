/** Tags as parameters: `Tag.N.Key` with `Tag.N.Value`, and the rules for both. */
import { flowLogBounds, type TagFilter, type Tags } from "../../../control/mod.ts";
import type { Parameters, RpcResult } from "../rpc/mod.ts";
import { refuse, type VpcErrorCode } from "./error.ts";
import { numbered } from "./parameter.ts";

const { tagsMax, tagLengthMax } = flowLogBounds;

/** The tags under `name`: each with a key of its own, their values as far as they are given. */
export function tagFiltersOf(parameters: Parameters, name: string): RpcResult<readonly TagFilter[]> {
  const keys = numbered(parameters, name, ".Key");
  const values = new Map(numbered(parameters, name, ".Value"));
  if ([...values.keys()].some((number) => !parameters.has(`${name}.${number}.Key`))) {
    return refuse("MissingParameter.TagKey");
  }
  const tags = keys.map(([number, key]) => {
    const value = values.get(number);
    return value === undefined ? { key } : { key, value };
  });
  if (tags.length > tagsMax) return refuse("SizeLimitExceeded.TagNum");
  const code = tags.map(tagProblem).find((problem) => problem !== undefined);
  if (code !== undefined) return refuse(code);
  const names = new Set(tags.map(({ key }) => key));
  return names.size < tags.length ? refuse("Forbidden.TagKey.Duplicated") : { ok: true, value: tags };
}

/** The tags of `Tag.N`, each with key and value; a key without a value is refused. */
export function tagsOf(parameters: Parameters): RpcResult<Tags> {
  const filters = tagFiltersOf(parameters, "Tag");
  if (!filters.ok) return filters;
  const tags: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const { key, value } of filters.value) {
    if (value === undefined) return refuse("MissingParameter.TagValue");
    tags[key] = value;
  }
  return { ok: true, value: { ...tags } };
}

/** The keys of `TagKey.N`, of which one may be empty. */
export function tagKeysOf(parameters: Parameters): RpcResult<readonly string[]> {
  const keys = numbered(parameters, "TagKey").map(([, key]) => key);
  if (keys.length > tagsMax) return refuse("SizeLimitExceeded.TagNum");
  const code = keys.map((key) => (key === "" ? undefined : keyProblem(key))).find((problem) => problem);
  return code === undefined ? { ok: true, value: keys } : refuse(code);
}

function tagProblem({ key, value = "" }: TagFilter): VpcErrorCode | undefined {
  return keyProblem(key) ?? (isValue(value) ? undefined : "InvalidTagValue");
}

function keyProblem(key: string): VpcErrorCode | undefined {
  if (isReserved(key)) return "Forbidden.TagKeys";
  return key !== "" && isValue(key) ? undefined : "InvalidTagKey";
}

function isValue(text: string): boolean {
  return text.length <= tagLengthMax && !/https?:\/\//iu.test(text) && !isReserved(text);
}

/** The service keeps these for itself. */
function isReserved(text: string): boolean {
  return /^(?:aliyun|acs:)/iu.test(text);
}
