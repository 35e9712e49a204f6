/**
 * Log groups and log streams of Huawei's log service: a view of log projects and logstores.
 *
 * A group is a project and a stream is a logstore whose names are UUIDs; what their owner calls them is a
 * setting. So a flow log delivers to a stream as it does to any logstore.
 */
import { randomUUID } from "node:crypto";

import { fail, ok, type Result } from "../../base/mod.ts";
import type { LogProjects } from "./logproject.ts";
import type {
  LogGroupSettings,
  LogProject,
  Logstore,
  LogstoreKey,
  LogStreamSettings,
  ProjectKey,
} from "./model.ts";

export interface LogScope {
  readonly accountId: string;
  readonly regionId: string;
}

export interface LogGroup extends LogGroupSettings, LogScope {
  /** A UUID in lower case, and the name of the group's log project. */
  readonly id: string;
  readonly createdMs: number;
}

export interface LogStream extends LogStreamSettings, LogScope {
  /** A UUID in lower case, and the name of the stream's logstore. */
  readonly id: string;
  readonly groupId: string;
  /** The logstore's number. */
  readonly logstore: number;
  readonly createdMs: number;
}

export interface NewLogGroup {
  readonly name: string;
  readonly retentionDays: number;
  readonly alias?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface NewLogStream extends Omit<NewLogGroup, "retentionDays"> {
  readonly retentionDays?: number;
}

type GroupChange = Partial<Omit<LogGroupSettings, "name">>;
type StreamChange = Partial<Omit<LogStreamSettings, "name" | "retentionDays">> & {
  /** Null is the group's. */
  readonly retentionDays?: number | null;
};

/** Whatever is to be saved has the faults `DiskFull` and `Internal` besides. */
export interface LogGroups {
  /** Faults: `InputInvalid`, `InputOutOfRange`, `ProjectExists` (one of that name), `ProjectQuotaExceeded`. */
  create(scope: LogScope, input: NewLogGroup): Result<LogGroup>;
  /** By the time of their creation. */
  list(scope: LogScope): readonly LogGroup[];
  /** Fault: `ProjectNotFound`. */
  get(scope: LogScope, groupId: string): Result<LogGroup>;
  /** Streams without a retention of their own get the group's. Faults: those of get, `InputOutOfRange`. */
  update(scope: LogScope, groupId: string, change: GroupChange): Result<LogGroup>;
  /** With its streams and what is stored in them. Fault: `ProjectNotFound`. */
  remove(scope: LogScope, groupId: string): Result<void>;
  /** Faults: those of create with `Logstore…` for `Project…`, `ProjectNotFound`. */
  createStream(scope: LogScope, groupId: string, input: NewLogStream): Result<LogStream>;
  /** By the time of their creation. Fault: `ProjectNotFound`. */
  listStreams(scope: LogScope, groupId: string): Result<readonly LogStream[]>;
  /** Faults: `ProjectNotFound`, `LogstoreNotFound`. */
  getStream(scope: LogScope, groupId: string, streamId: string): Result<LogStream>;
  updateStream(scope: LogScope, groupId: string, streamId: string, change: StreamChange): Result<LogStream>;
  removeStream(scope: LogScope, groupId: string, streamId: string): Result<void>;
}

export const logGroupBounds = {
  nameLengthMax: 64,
  aliasLengthMax: 64,
  retentionDays: { min: 1, max: 365 },
  tagsMax: 20,
} as const;

const namePattern = /^(?![._])[\w.-]{1,64}(?<!\.)$/u;

export function createLogGroups(projects: LogProjects): LogGroups {
  return {
    create: (scope, input) => createGroup(projects, scope, input),
    list: (scope) => listGroups(projects, scope),
    get: (scope, groupId) => getGroup(projects, scope, groupId),
    update: (scope, groupId, change) => updateGroup(projects, scope, groupId, change),
    remove: (scope, groupId) => {
      const group = getGroup(projects, scope, groupId);
      return group.ok ? projects.deleteProject(projectKey(scope, groupId)) : group;
    },
    createStream: (scope, groupId, input) => createStream(projects, scope, groupId, input),
    listStreams: (scope, groupId) => listStreams(projects, scope, groupId),
    getStream: (scope, groupId, streamId) => getStream(projects, streamKey(scope, groupId, streamId)),
    updateStream: (scope, groupId, streamId, change) =>
      updateStream(projects, streamKey(scope, groupId, streamId), change),
    removeStream: (scope, groupId, streamId) => {
      const key = streamKey(scope, groupId, streamId);
      const stream = getStream(projects, key);
      return stream.ok ? projects.deleteLogstore(key) : stream;
    },
  };
}

function createGroup(projects: LogProjects, scope: LogScope, input: NewLogGroup): Result<LogGroup> {
  const { name, retentionDays, alias = "", tags = {} } = input;
  const broken = settingsFault({ name, alias, retentionDays, tags });
  if (broken !== null) return broken;
  if (listGroups(projects, scope).some((group) => group.name === name)) {
    return fail("ProjectExists", `there is a log group ${name} already`, { field: "name", value: name });
  }
  const group = { name, alias, retentionDays, tags };
  const created = projects.createProject({ ...projectKey(scope, randomUUID()), group });
  return created.ok ? ok(groupOf(created.value, group)) : created;
}

function listGroups(projects: LogProjects, { accountId, regionId }: LogScope): LogGroup[] {
  return projects
    .listProjects({ accountId, regionId, kind: "lts" })
    .map((project) => groupOf(project, project.group!))
    .toSorted((a, b) => a.createdMs - b.createdMs);
}

function getGroup(projects: LogProjects, scope: LogScope, groupId: string): Result<LogGroup> {
  const project = projects.getProject(projectKey(scope, groupId));
  const group = project.ok ? project.value.group : undefined;
  if (project.ok && group !== undefined) return ok(groupOf(project.value, group));
  return fail("ProjectNotFound", `there is no log group ${groupId.slice(0, 80)}`, {
    field: "groupId",
    value: groupId.slice(0, 80),
  });
}

function updateGroup(
  projects: LogProjects,
  scope: LogScope,
  groupId: string,
  change: GroupChange,
): Result<LogGroup> {
  const found = getGroup(projects, scope, groupId);
  if (!found.ok) return found;
  const { name, alias, retentionDays, tags } = found.value;
  const group: LogGroupSettings = { name, alias, retentionDays, tags, ...change };
  const broken = settingsFault(group);
  if (broken !== null) return broken;
  const updated = projects.updateProject(projectKey(scope, groupId), { group });
  if (!updated.ok) return updated;
  const streams = listStreams(projects, scope, groupId);
  if (!streams.ok) return streams;
  for (const stream of streams.value) {
    const key = streamKey(scope, groupId, stream.id);
    if (stream.retentionDays !== undefined) continue;
    const kept = projects.updateLogstore(key, { retentionDays: group.retentionDays });
    if (!kept.ok) return kept;
  }
  return ok(groupOf(updated.value, group));
}

function createStream(
  projects: LogProjects,
  scope: LogScope,
  groupId: string,
  input: NewLogStream,
): Result<LogStream> {
  const group = getGroup(projects, scope, groupId);
  if (!group.ok) return group;
  const { name, alias = "", tags = {}, ...own } = input;
  const retentionDays = own.retentionDays ?? group.value.retentionDays;
  const broken = settingsFault({ name, alias, retentionDays, tags });
  if (broken !== null) return broken;
  const siblings = listStreams(projects, scope, groupId);
  if (!siblings.ok) return siblings;
  if (siblings.value.some((stream) => stream.name === name)) {
    return fail("LogstoreExists", `there is a log stream ${name} already`, { field: "name", value: name });
  }
  const stream: LogStreamSettings = { name, alias, tags, ...own };
  const key = streamKey(scope, groupId, randomUUID());
  const created = projects.createLogstore({ ...key, retentionDays, settings: { stream } });
  return created.ok ? ok(streamOf(created.value, stream)) : created;
}

function listStreams(projects: LogProjects, scope: LogScope, groupId: string): Result<readonly LogStream[]> {
  const group = getGroup(projects, scope, groupId);
  if (!group.ok) return group;
  const logstores = projects.listLogstores(projectKey(scope, groupId));
  if (!logstores.ok) return logstores;
  return ok(
    logstores.value
      .flatMap((logstore) => {
        const { stream } = logstore.settings;
        return stream === undefined ? [] : [streamOf(logstore, stream)];
      })
      .toSorted((a, b) => a.logstore - b.logstore),
  );
}

function getStream(projects: LogProjects, key: LogstoreKey): Result<LogStream> {
  const group = getGroup(projects, key, key.project);
  if (!group.ok) return group;
  const logstore = projects.getLogstore(key);
  const stream = logstore.ok ? logstore.value.settings.stream : undefined;
  if (logstore.ok && stream !== undefined) return ok(streamOf(logstore.value, stream));
  const value = key.logstore.slice(0, 80);
  return fail("LogstoreNotFound", `there is no log stream ${value}`, { field: "streamId", value });
}

function updateStream(projects: LogProjects, key: LogstoreKey, change: StreamChange): Result<LogStream> {
  const found = getStream(projects, key);
  if (!found.ok) return found;
  const group = getGroup(projects, key, key.project);
  if (!group.ok) return group;
  const { name, alias, tags, ...kept } = found.value;
  const own = change.retentionDays === null ? undefined : (change.retentionDays ?? kept.retentionDays);
  const stream: LogStreamSettings = {
    name,
    alias: change.alias ?? alias,
    tags: change.tags ?? tags,
    ...(own === undefined ? {} : { retentionDays: own }),
  };
  const retentionDays = own ?? group.value.retentionDays;
  const broken = settingsFault({ ...stream, retentionDays });
  if (broken !== null) return broken;
  const updated = projects.updateLogstore(key, { retentionDays, settings: { stream } });
  return updated.ok ? ok(streamOf(updated.value, stream)) : updated;
}

function settingsFault({ name, alias, retentionDays, tags }: LogGroupSettings): Result<never> | null {
  const { min, max } = logGroupBounds.retentionDays;
  if (!namePattern.test(name)) {
    return fail("InputInvalid", "the name is not valid", {
      field: "name",
      value: name.slice(0, 80),
      allowed: "1 to 64 letters, digits, _, - and ., no . or _ first and no . last",
    });
  }
  if (!Number.isSafeInteger(retentionDays) || retentionDays < min || retentionDays > max) {
    return fail("InputOutOfRange", `a retention of ${retentionDays} days is not in range`, {
      field: "retentionDays",
      value: `${retentionDays}`,
      allowed: `${min} to ${max} days`,
    });
  }
  if (alias.length > logGroupBounds.aliasLengthMax) {
    return fail("InputInvalid", "the alias is too long", { field: "alias", value: alias.slice(0, 80) });
  }
  const keys = Object.keys(tags);
  if (keys.length <= logGroupBounds.tagsMax && keys.every(isTagKey)) return null;
  return fail("InputInvalid", "the tags are not valid", {
    field: "tags",
    allowed: `at most ${logGroupBounds.tagsMax} keys of 1 to 128 characters`,
  });
}

function isTagKey(key: string): boolean {
  return key.length > 0 && key.length <= 128;
}

function projectKey({ accountId, regionId }: LogScope, groupId: string): ProjectKey {
  return { accountId, regionId, project: groupId };
}

function streamKey(scope: LogScope, groupId: string, streamId: string): LogstoreKey {
  return { ...projectKey(scope, groupId), logstore: streamId };
}

function groupOf(
  { accountId, regionId, name: id, createdMs }: LogProject,
  group: LogGroupSettings,
): LogGroup {
  return { ...group, id, accountId, regionId, createdMs };
}

function streamOf(logstore: Logstore, stream: LogStreamSettings): LogStream {
  const { id, accountId, regionId, project, name, createdMs } = logstore;
  return { ...stream, id: name, groupId: project, logstore: id, accountId, regionId, createdMs };
}
