/** How many flows of each logstore are stored and in no rollup tier yet. */

export interface WaitingFlows {
  /** Infinity, where there may be any number: that has to be asked. */
  readonly add: (logstore: number, flows: number) => void;
  /** Logstores of which at least so many wait. */
  atLeast(flows: number): number[];
  has(logstore: number): boolean;
  total(): number;
  /**
   * Does work that is told how many waited and says how many are left. What is added meanwhile counts too;
   * after an error it has to be asked.
   */
  change(logstore: number, work: (before: number) => Promise<number>): Promise<void>;
}

export function createWaitingFlows(): WaitingFlows {
  const counts = new Map<number, number>();
  const add = (logstore: number, flows: number): void => {
    counts.set(logstore, (counts.get(logstore) ?? 0) + flows);
  };
  return {
    add,
    atLeast: (flows) => [...counts].filter(([, count]) => count >= flows).map(([logstore]) => logstore),
    has: (logstore) => counts.has(logstore),
    total: () => [...counts.values()].reduce((sum, count) => sum + count, 0),
    change: async (logstore, work) => {
      const before = counts.get(logstore) ?? 0;
      counts.set(logstore, 0);
      const left = await work(before).catch((error: unknown) => {
        add(logstore, Infinity);
        throw error;
      });
      add(logstore, left);
      if (counts.get(logstore) === 0) counts.delete(logstore);
    },
  };
}
