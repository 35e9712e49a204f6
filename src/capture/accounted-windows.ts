/**
 * Remembers up to where each subject's windows have been spoken of, over the ends of capture processes and of
 * Weir itself, so that the next process says SKIPDATA of those that nobody saw to their end.
 */
import { type AccountedSubject, type CapturePlan, subjectKey } from "./plan.ts";

/** A memory that outlives the process: times in microseconds since 1970, by subject. */
export interface WindowMemory {
  all(): ReadonlyMap<string, number>;
  update(changed: ReadonlyMap<string, number>, forgotten: readonly string[]): void;
}

export interface AccountedWindows {
  /**
   * Takes a new plan: subjects that are gone are forgotten. Those that nobody can begin now, because no process
   * runs, begin at `pendingSinceUs`.
   */
  follow(plan: CapturePlan, pendingSinceUs: number | undefined): void;
  note(subjects: readonly AccountedSubject[]): void;
  /** The plan with what the next process has to know. */
  continued(plan: CapturePlan): CapturePlan;
}

/**
 * `source` keeps the entries of several captures in one memory apart. Without a memory, restarts of capture
 * processes alone are bridged.
 */
export function createAccountedWindows(source: string, memory?: WindowMemory): AccountedWindows {
  const nameOf = (subject: { readonly flowLogId: string; readonly resourceId: string }): string =>
    `${source} ${subjectKey(subject)}`;
  const own = [...(memory?.all() ?? [])].filter(([name]) => name.startsWith(`${source} `));
  const accounted = new Map(own);
  const wanted = new Set<string>();
  const change = (changed: ReadonlyMap<string, number>, forgotten: readonly string[]): void => {
    if (changed.size === 0 && forgotten.length === 0) return;
    for (const [key, timeUs] of changed) accounted.set(key, timeUs);
    for (const key of forgotten) accounted.delete(key);
    memory?.update(changed, forgotten);
  };
  return {
    follow(plan, pendingSinceUs) {
      wanted.clear();
      for (const subject of plan.subjects) if (subject.policy.kind === "window") wanted.add(nameOf(subject));
      const pending = [...wanted].filter((key) => pendingSinceUs !== undefined && !accounted.has(key));
      change(
        new Map(pending.map((key) => [key, pendingSinceUs!])),
        [...accounted.keys()].filter((key) => !wanted.has(key)),
      );
    },
    note(subjects) {
      const changed = new Map<string, number>();
      for (const subject of subjects) {
        const key = nameOf(subject);
        const { accountedUpToUs } = subject;
        if (wanted.has(key) && accounted.get(key) !== accountedUpToUs) changed.set(key, accountedUpToUs);
      }
      change(changed, []);
    },
    continued: (plan) => ({
      ...plan,
      subjects: plan.subjects.map((subject) => {
        const accountedUpToUs = accounted.get(nameOf(subject));
        return accountedUpToUs === undefined ? subject : { ...subject, accountedUpToUs };
      }),
    }),
  };
}
