/**
 * Log projects and their logstores: where flow logs deliver records and readers find them.
 *
 * A project is named by (account, region, name); the case of its letters tells no two apart, because clients
 * name it in a host. A logstore has a number besides its name, given once and
 * never again: the store keeps its rows by it, so a logstore made anew under an old name starts empty.
 */
import { type Clock, fail, ok, type Result, toFault } from "../../base/mod.ts";
import type { Database } from "../../database/mod.ts";
import type { Logger } from "../../observe/mod.ts";
import type { Changes } from "../change.ts";
import { commit } from "../commit.ts";
import {
  checkDescription,
  checkLogstoreName,
  checkProjectName,
  checkRetention,
  checkTargetName,
} from "./names.ts";
import { createRows, type LogProjectRows, type LogstoreRow, type ProjectRow } from "./rows.ts";

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

export interface LogProject {
  readonly accountId: string;
  readonly regionId: string;
  readonly name: string;
  readonly description: string;
  readonly resourceGroupId: string;
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
  /** Retention of a logstore that is made on first use. */
  readonly retentionDays: number;
}

export const defaultLogProjectConfig: LogProjectConfig = {
  projectsMax: 50,
  logstoresMax: 200,
  retentionDays: 30,
};

export const defaultLogstoreSettings: LogstoreSettings = {
  shardCount: 1,
  autoSplit: false,
  maxSplitShard: 64,
  webTracking: false,
  appendMeta: false,
  telemetryType: "",
  mode: "standard",
};

export interface NewProject extends ProjectKey {
  readonly description?: string;
  readonly resourceGroupId?: string;
}

export interface NewLogstore extends LogstoreKey {
  readonly retentionDays: number;
  readonly settings?: Partial<LogstoreSettings>;
}

/** Whatever is to be saved has the faults of `commit` besides: `DiskFull`, `Internal`. */
export interface LogProjects {
  /** Faults: `InputInvalid`, `ProjectExists`, `ProjectQuotaExceeded`. */
  createProject(input: NewProject): Result<LogProject>;
  /** Fault: `ProjectNotFound`. */
  getProject(key: ProjectKey): Result<LogProject>;
  /** The project of that name in the first of the regions that has one, else in any. Fault: `ProjectNotFound`. */
  locateProject(search: ProjectSearch): Result<LogProject>;
  /** The account's projects by name; of one region, or of all. */
  listProjects(filter: { readonly accountId: string; readonly regionId?: string }): readonly LogProject[];
  /** Faults: `ProjectNotFound`, `InputInvalid`. */
  updateProject(key: ProjectKey, change: { readonly description: string }): Result<LogProject>;
  /** Deletes the project with its logstores, each of which `onLogstoreDeleted` hears of. Fault: `ProjectNotFound`. */
  deleteProject(key: ProjectKey): Result<void>;
  /** Faults: `InputInvalid`, `InputOutOfRange`, `ProjectNotFound`, `LogstoreExists`, `LogstoreQuotaExceeded`. */
  createLogstore(input: NewLogstore): Result<Logstore>;
  /** Faults: `ProjectNotFound`, `LogstoreNotFound`. */
  getLogstore(key: LogstoreKey): Result<Logstore>;
  /** The project's logstores by name. Fault: `ProjectNotFound`. */
  listLogstores(key: ProjectKey): Result<readonly Logstore[]>;
  /** Every logstore there is: what retention goes by. */
  allLogstores(): readonly Logstore[];
  /** Faults: those of getLogstore, `InputOutOfRange`. */
  updateLogstore(
    key: LogstoreKey,
    change: { readonly retentionDays?: number; readonly settings?: Partial<LogstoreSettings> },
  ): Result<Logstore>;
  /** Faults: those of getLogstore. */
  deleteLogstore(key: LogstoreKey): Result<void>;
  /**
   * The logstore of that name, made with its project if there is none. A name that is made may have letters,
   * digits, `-`, `_` and `.`, up to 128. Faults: those of the two creates.
   */
  ensure(key: LogstoreKey): Result<Logstore>;
  /** Calls the listener after the commit with each logstore that is gone, so that its rows can be dropped. */
  onLogstoreDeleted(listener: (logstore: Logstore) => void): void;
}

interface State {
  readonly config: LogProjectConfig;
  readonly database: Database;
  readonly rows: LogProjectRows;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly changes: Pick<Changes, "announce">;
  readonly listeners: ((logstore: Logstore) => void)[];
}

export interface LogProjectDeps {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly changes: Pick<Changes, "announce">;
  readonly config?: Partial<LogProjectConfig>;
}

/** Works on a database that has the control schema. */
export function createLogProjects(database: Database, deps: LogProjectDeps): LogProjects {
  const { clock, logger, changes } = deps;
  const config = { ...defaultLogProjectConfig, ...deps.config };
  const rows = createRows(database);
  const state: State = { config, database, rows, clock, logger, changes, listeners: [] };
  return {
    createProject: (input) => createProject(state, input),
    getProject: (key) => mapResult(findProject(state, key), projectOf),
    locateProject: (search) => locateProject(state, search),
    listProjects: (filter) => state.rows.projects(filter.accountId, filter.regionId).map(projectOf),
    updateProject: (key, change) => updateProject(state, key, change.description),
    deleteProject: (key) => deleteProject(state, key),
    createLogstore: (input) => createLogstore(state, input),
    getLogstore: (key) => mapResult(findLogstore(state, key), logstoreOf),
    listLogstores: (key) =>
      mapResult(findProject(state, key), (row) => state.rows.logstores(row.id).map(logstoreOf)),
    allLogstores: () => state.rows.allLogstores().map(logstoreOf),
    updateLogstore: (key, change) => updateLogstore(state, key, change),
    deleteLogstore: (key) => deleteLogstore(state, key),
    ensure: (key) => ensure(state, key),
    onLogstoreDeleted: (listener) => void state.listeners.push(listener),
  };
}

function createProject(state: State, input: NewProject): Result<LogProject> {
  const { description = "" } = input;
  const named = checkProjectName(input.project);
  if (!named.ok) return named;
  const described = checkDescription(description);
  return described.ok ? addProject(state, input) : described;
}

function addProject(state: State, input: NewProject): Result<LogProject> {
  const { description = "", resourceGroupId = "" } = input;
  const created = committed(state, (): Result<LogProject> => {
    if (state.rows.project(input) !== undefined) {
      return fail("ProjectExists", `Project ${input.project} already exist.`, { value: input.project });
    }
    const { projectsMax } = state.config;
    if (state.rows.projects(input.accountId, input.regionId).length >= projectsMax) {
      return fail("ProjectQuotaExceeded", `project quota exceeded, at most ${projectsMax}`, {
        allowed: `${projectsMax}`,
      });
    }
    const nowMs = state.clock.nowMs();
    return ok(projectOf(state.rows.insertProject(input, { description, resourceGroupId, nowMs })));
  });
  if (created.ok) state.changes.announce({ subject: "logProject", action: "created", id: input.project });
  return created;
}

function updateProject(state: State, key: ProjectKey, description: string): Result<LogProject> {
  const described = checkDescription(description);
  if (!described.ok) return described;
  const found = findProject(state, key);
  if (!found.ok) return found;
  const saved = committed(state, () =>
    ok(state.rows.updateProject(found.value.id, description, state.clock.nowMs())),
  );
  if (!saved.ok) return saved;
  state.changes.announce({ subject: "logProject", action: "modified", id: key.project });
  return mapResult(findProject(state, key), projectOf);
}

function deleteProject(state: State, key: ProjectKey): Result<void> {
  const found = findProject(state, key);
  if (!found.ok) return found;
  const gone = committed(state, () => {
    const logstores = state.rows.logstores(found.value.id).map(logstoreOf);
    state.rows.deleteProject(found.value.id);
    return ok(logstores);
  });
  if (!gone.ok) return gone;
  state.changes.announce({ subject: "logProject", action: "removed", id: key.project });
  for (const logstore of gone.value) announceDeleted(state, logstore);
  return ok(undefined);
}

function createLogstore(state: State, input: NewLogstore): Result<Logstore> {
  const named = checkLogstoreName(input.logstore);
  if (!named.ok) return named;
  const retained = checkRetention(input.retentionDays);
  return retained.ok ? addLogstore(state, input) : retained;
}

function addLogstore(state: State, input: NewLogstore): Result<Logstore> {
  const project = findProject(state, input);
  if (!project.ok) return project;
  const created = committed(state, (): Result<Logstore> => {
    const siblings = state.rows.logstores(project.value.id);
    if (siblings.some((sibling) => sibling.name === input.logstore)) {
      return fail("LogstoreExists", `logstore ${input.logstore} already exists`, { value: input.logstore });
    }
    const { logstoresMax } = state.config;
    if (siblings.length >= logstoresMax) {
      return fail("LogstoreQuotaExceeded", `logstore quota exceeded, at most ${logstoresMax}`, {
        allowed: `${logstoresMax}`,
      });
    }
    state.rows.insertLogstore({
      projectId: project.value.id,
      name: input.logstore,
      retentionDays: input.retentionDays,
      settings: JSON.stringify({ ...defaultLogstoreSettings, ...input.settings }),
      nowMs: state.clock.nowMs(),
    });
    return mapResult(findLogstore(state, input), logstoreOf);
  });
  if (created.ok)
    state.changes.announce({ subject: "logstore", action: "created", id: `${created.value.id}` });
  return created;
}

function updateLogstore(
  state: State,
  key: LogstoreKey,
  change: Parameters<LogProjects["updateLogstore"]>[1],
): Result<Logstore> {
  const found = mapResult(findLogstore(state, key), logstoreOf);
  if (!found.ok) return found;
  const retentionDays = change.retentionDays ?? found.value.retentionDays;
  const retained = checkRetention(retentionDays);
  if (!retained.ok) return retained;
  const settings = JSON.stringify({ ...found.value.settings, ...change.settings });
  const values = { retentionDays, settings, nowMs: state.clock.nowMs() };
  const saved = committed(state, () => ok(state.rows.updateLogstore(found.value.id, values)));
  if (!saved.ok) return saved;
  state.changes.announce({ subject: "logstore", action: "modified", id: `${found.value.id}` });
  return mapResult(findLogstore(state, key), logstoreOf);
}

function deleteLogstore(state: State, key: LogstoreKey): Result<void> {
  const found = mapResult(findLogstore(state, key), logstoreOf);
  if (!found.ok) return found;
  const gone = committed(state, () => ok(state.rows.deleteLogstore(found.value.id)));
  if (!gone.ok) return gone;
  announceDeleted(state, found.value);
  return ok(undefined);
}

function ensure(state: State, key: LogstoreKey): Result<Logstore> {
  const found = findLogstore(state, key);
  if (found.ok) return ok(logstoreOf(found.value));
  const named = checkTargetName("logstore", key.logstore);
  if (!named.ok) return named;
  if (found.fault.code === "ProjectNotFound") {
    const projectNamed = checkTargetName("project", key.project);
    const project = projectNamed.ok ? addProject(state, key) : projectNamed;
    if (!project.ok) return project;
  }
  return addLogstore(state, { ...key, retentionDays: state.config.retentionDays });
}

function locateProject(state: State, { accountId, project, regionIds }: ProjectSearch): Result<LogProject> {
  for (const regionId of regionIds) {
    const found = findProject(state, { accountId, regionId, project });
    if (found.ok) return mapResult(found, projectOf);
  }
  const named = project.toLowerCase();
  const elsewhere = state.rows.projects(accountId).find((row) => row.name.toLowerCase() === named);
  return elsewhere === undefined ? noProject(project) : ok(projectOf(elsewhere));
}

/** Runs `work` in a transaction; one that cannot be saved is a fault as well. */
function committed<T>({ database }: State, work: () => Result<T>): Result<T> {
  const done = commit(database, work);
  return done.ok ? done.value : done;
}

function announceDeleted(state: State, logstore: Logstore): void {
  state.changes.announce({ subject: "logstore", action: "removed", id: `${logstore.id}` });
  for (const listener of state.listeners) {
    try {
      listener(logstore);
    } catch (error) {
      state.logger.error({ logstore, error: toFault(error).message }, "a logstore listener failed");
    }
  }
}

function findProject(state: State, key: ProjectKey): Result<ProjectRow> {
  const row = state.rows.project(key);
  return row === undefined ? noProject(key.project) : ok(row);
}

function noProject(project: string): Result<never> {
  return fail("ProjectNotFound", `The Project does not exist : ${project}`, {
    field: "project",
    value: project,
  });
}

function findLogstore(state: State, key: LogstoreKey): Result<LogstoreRow> {
  const project = findProject(state, key);
  if (!project.ok) return project;
  const row = state.rows.logstore(project.value.id, key.logstore);
  if (row !== undefined) return ok(row);
  return fail("LogstoreNotFound", `logstore ${key.logstore} does not exist`, {
    field: "logstore",
    value: key.logstore,
  });
}

function mapResult<T, U>(result: Result<T>, map: (value: T) => U): Result<U> {
  return result.ok ? ok(map(result.value)) : result;
}

/** Without the row's number, which is nobody else's business. */
function projectOf({ accountId, regionId, name, description, ...row }: ProjectRow): LogProject {
  const { resourceGroupId, createdMs, updatedMs } = row;
  return { accountId, regionId, name, description, resourceGroupId, createdMs, updatedMs };
}

function logstoreOf({ settings, ...row }: LogstoreRow): Logstore {
  return { ...row, settings: JSON.parse(settings) as LogstoreSettings };
}
