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
   * Takes a new plan: subjects that are gone are forgotten. What the plan says of a subject holds from now on.
   * Those that nobody can begin now, because no process runs, begin at `pendingSinceUs`.
   */
  follow(plan: CapturePlan, pendingSinceUs: number | undefined): void;
  note(subjects: readonly AccountedSubject[]): void;
  /** Undefined for a subject that is not wanted, or whose first process has not begun. */
  upToUs(subject: SubjectName): number | undefined;
  /** The plan with what the next process has to know. */
  continued(plan: CapturePlan): CapturePlan;
}

/** What packets are read from; keeps the entries of several captures in one memory apart. */
export type CaptureSource = "packets" | "verdicts";

type SubjectName = Pick<AccountedSubject, "flowLogId" | "resourceId">;

function entryName(source: CaptureSource, subject: SubjectName): string {
  return `${source} ${subjectKey(subject)}`;
}

/** Up to where the subject's windows were accounted for by the source, when the memory was opened. */
export function rememberedUpToUs(
  memory: WindowMemory | undefined,
  source: CaptureSource,
  subject: SubjectName,
): number | undefined {
  return memory?.all().get(entryName(source, subject));
}

/** Without a memory, restarts of capture processes alone are bridged. */
export function createAccountedWindows(source: CaptureSource, memory?: WindowMemory): AccountedWindows {
  const nameOf = (subject: SubjectName): string => entryName(source, subject);
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
      const begun = new Map<string, number>();
      for (const subject of plan.subjects) {
        if (subject.policy.kind !== "window") continue;
        const key = nameOf(subject);
        wanted.add(key);
        const upToUs = subject.accountedUpToUs ?? (accounted.has(key) ? undefined : pendingSinceUs);
        if (upToUs !== undefined) begun.set(key, upToUs);
      }
      change(
        begun,
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
    upToUs: (subject) => accounted.get(nameOf(subject)),
    continued: (plan) => ({
      ...plan,
      subjects: plan.subjects.map((subject) => {
        const accountedUpToUs = accounted.get(nameOf(subject));
        return accountedUpToUs === undefined ? subject : { ...subject, accountedUpToUs };
      }),
    }),
  };
}
