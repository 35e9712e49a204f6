/** Where the sequence numbers of each stream stand, as the spool keeps it beside the sink's cursor. */
import type { JsonValue } from "../../spool/mod.ts";
import type { NetflowExporterState } from "./flow-encoder.ts";

/** By streamKey() of target.ts. */
export interface StreamStates {
  get(key: string): NetflowExporterState | undefined;
  set(key: string, state: NetflowExporterState): void;
  entries(): Iterable<[string, NetflowExporterState]>;
}

/** Streams of flow logs long gone are forgotten, the one longest not used first. */
const streamsMax = 4096;

export function parseStreams(saved: JsonValue | undefined): StreamStates {
  const states = new Map<string, NetflowExporterState>();
  const streams = (saved as { streams?: Record<string, NetflowExporterState> } | undefined)?.streams;
  for (const [key, state] of Object.entries(streams ?? {})) states.set(key, state);
  return {
    get: (key) => states.get(key),
    set: (key, state) => {
      states.delete(key);
      states.set(key, state);
      if (states.size > streamsMax) states.delete(states.keys().next().value!);
    },
    entries: () => states.entries(),
  };
}

export function streamsToJson(states: StreamStates): JsonValue {
  const streams: Record<string, JsonValue> = {};
  for (const [key, state] of states.entries()) streams[key] = { ...state };
  return { streams };
}
