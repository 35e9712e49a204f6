/** Tags of flow logs: keys and values that mean something to their owner alone. */
import { fail, type Result } from "../base/mod.ts";
import { flowLogBounds, type Tags } from "./flow-log.ts";

/** A tag that is asked for: of any value where none is given. */
export interface TagFilter {
  readonly key: string;
  readonly value?: string;
}

/** Whether the tags hold every one that is asked for. */
export function hasTags(tags: Tags, wanted: readonly TagFilter[]): boolean {
  return wanted.every(
    ({ key, value }) => Object.hasOwn(tags, key) && (value === undefined || tags[key] === value),
  );
}

/** Faults: `InputInvalid` for a key or value that is none, `TagQuotaExceeded`. */
export function tagFault(tags: Tags): Result<never> | null {
  const { tagsMax, tagLengthMax } = flowLogBounds;
  const entries = Object.entries(tags);
  for (const [key, value] of entries) {
    if (key !== "" && key.length <= tagLengthMax && value.length <= tagLengthMax) continue;
    return fail("InputInvalid", "a tag's key or value is too long, or its key is empty", {
      field: "tags",
      value: `${key}=${value}`.slice(0, 80),
      allowed: `a key of 1 to ${tagLengthMax} characters, a value of at most as many`,
    });
  }
  if (entries.length <= tagsMax) return null;
  return fail("TagQuotaExceeded", `${entries.length} tags are too many`, {
    field: "tags",
    allowed: `at most ${tagsMax}`,
  });
}
