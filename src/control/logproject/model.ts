/** What a log project and a logstore are, and what they are made with. */

export interface ProjectKey {
  readonly accountId: string;
  readonly regionId: string;
  readonly project: string;
}

export interface LogstoreKey extends ProjectKey {
  readonly logstore: string;
}

export interface ProjectSearch {
  readonly accountId: string;
  readonly project: string;
  /** Where it is looked for first, in this order. */
  readonly regionIds: readonly string[];
}

/** What a log group of Huawei's log service has besides: its project's name is an id that nobody chose. */
export interface LogGroupSettings {
  readonly name: string;
  readonly alias: string;
  readonly retentionDays: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** The same of a log stream and its logstore; without a retention of its own it has the group's. */
export interface LogStreamSettings extends Omit<LogGroupSettings, "retentionDays"> {
  readonly retentionDays?: number;
}

/** Whose projects: those of Alibaba's log service, or the log groups of Huawei's. */
export type LogProjectKind = "sls" | "lts";

export interface LogProject {
  readonly accountId: string;
  readonly regionId: string;
  readonly name: string;
  readonly description: string;
  readonly resourceGroupId: string;
  /** Of a log group alone. */
  readonly group?: LogGroupSettings;
  readonly createdMs: number;
  readonly updatedMs: number;
}

/** What a client says about a logstore and Weir only keeps: it has one shard whatever is asked for. */
export interface LogstoreSettings {
  readonly shardCount: number;
  readonly autoSplit: boolean;
  readonly maxSplitShard: number;
  readonly webTracking: boolean;
  readonly appendMeta: boolean;
  readonly telemetryType: string;
  readonly mode: string;
  /** Of a log stream alone. */
  readonly stream?: LogStreamSettings;
}

export interface Logstore {
  /** Unique for ever; the store's name for it. */
  readonly id: number;
  readonly accountId: string;
  readonly regionId: string;
  readonly project: string;
  readonly name: string;
  /** Days that records are kept; 3650 is for ever. */
  readonly retentionDays: number;
  readonly settings: LogstoreSettings;
  readonly createdMs: number;
  readonly updatedMs: number;
}

export interface LogProjectConfig {
  readonly projectsMax: number;
  readonly logstoresMax: number;
  readonly groupsMax: number;
  readonly streamsMax: number;
  /** Retention of a logstore that is made on first use. */
  readonly retentionDays: number;
}

export const defaultLogProjectConfig: LogProjectConfig = {
  projectsMax: 50,
  logstoresMax: 200,
  groupsMax: 100,
  streamsMax: 100,
  retentionDays: 30,
};

export const defaultLogstoreSettings: LogstoreSettings = {
  shardCount: 1,
  autoSplit: false,
  // A logstore that does not split has no bound: Terraform sees a difference in any other number.
  maxSplitShard: 0,
  webTracking: false,
  appendMeta: false,
  telemetryType: "",
  mode: "standard",
};

export interface NewProject extends ProjectKey {
  readonly description?: string;
  readonly resourceGroupId?: string;
  readonly group?: LogGroupSettings;
}

export interface ProjectFilter {
  readonly accountId: string;
  /** Absent, of all regions. */
  readonly regionId?: string;
  /** Absent, of both services. */
  readonly kind?: LogProjectKind;
}

export interface NewLogstore extends LogstoreKey {
  readonly retentionDays: number;
  readonly settings?: Partial<LogstoreSettings>;
}
