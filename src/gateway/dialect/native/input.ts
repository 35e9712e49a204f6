/** Bodies and queries of the native API: how they are checked, and how times are shown. */
export { parseInput } from "../../input.ts";

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
