/** What the native dialect is a view of. */
import type { Result } from "../../../base/mod.ts";
import type { Control } from "../../../control/mod.ts";
import type { Logger } from "../../../observe/mod.ts";
import type { LogReader } from "../../../query/mod.ts";

/** JSON objects that the composition root gathers; shown as they are. */
export type Report = Readonly<Record<string, unknown>>;

export interface NativeDependencies {
  readonly control: Control;
  readonly reader: LogReader;
  readonly logger: Logger;
  /** Days that the records of a logstore are kept if its creator does not say. */
  readonly retentionDays: number;
  /** Resolves when the running system has taken the changes so far over, or is slow about it. */
  settled(): Promise<void>;
  /** What the running system does, part by part. */
  readonly status: () => Report | Promise<Report>;
  /** How a flow log's deliveries go, output by output. */
  readonly delivery: (flowLogId: string) => Report | undefined;
  /** What https is served with; absent where it is not. */
  readonly certificate?: () => Promise<Result<object>>;
}
