/** Who is told of a change: every listener, in order, after the change is committed. */
import { toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";

export interface ControlChange {
  readonly subject:
    | "account"
    | "flowLog"
    | "resource"
    | "resourceGroup"
    | "accessKey"
    | "user"
    | "group"
    | "role"
    | "policy"
    | "logProject"
    | "logstore";
  /** `settled`: nothing is wanted otherwise than before; capture holds what was. */
  readonly action: "created" | "modified" | "removed" | "settled";
  readonly id: string;
}

export type ChangeListener = (change: ControlChange) => void;

export interface Changes {
  /** Returns the function that unsubscribes. */
  listen(listener: ChangeListener): () => void;
  /** Called by control/ after the commit. A listener that throws is logged and harms nobody else. */
  announce(change: ControlChange): void;
}

export function createChanges(logger: Logger): Changes {
  const listeners = new Set<ChangeListener>();
  return {
    listen: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    announce: (change) => {
      for (const listener of listeners) {
        try {
          listener(change);
        } catch (error) {
          logger.error({ change, error: toFault(error).message }, "a change listener failed");
        }
      }
    },
  };
}
