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
  defaultLogProjectConfig,
  defaultLogstoreSettings,
  type LogGroupSettings,
  type LogProject,
  type LogProjectConfig,
  type LogProjectKind,
  type Logstore,
  type LogstoreKey,
  type LogstoreSettings,
  type NewLogstore,
  type NewProject,
  type ProjectFilter,
  type ProjectKey,
  type ProjectSearch,
} from "./model.ts";
import {
  checkDescription,
  checkLogstoreName,
  checkProjectName,
  checkRetention,
  checkTargetName,
} from "./names.ts";
import { createRows, type LogProjectRows, type LogstoreRow, type ProjectRow } from "./rows.ts";

/** Whatever is to be saved has the faults of `commit` besides: `DiskFull`, `Internal`. */
export interface LogProjects {
  /** Faults: `InputInvalid`, `ProjectExists`, `ProjectQuotaExceeded`. */
  createProject(input: NewProject): Result<LogProject>;
  /** Fault: `ProjectNotFound`. */
  getProject(key: ProjectKey): Result<LogProject>;
  /** The project of that name in the first of the regions that has one, else in any. Fault: `ProjectNotFound`. */
  locateProject(search: ProjectSearch): Result<LogProject>;
  /** The account's projects by name. */
  listProjects(filter: ProjectFilter): readonly LogProject[];
  /** Faults: `ProjectNotFound`, `InputInvalid`. */
  updateProject(
    key: ProjectKey,
    change: { readonly description?: string; readonly group?: LogGroupSettings },
  ): Result<LogProject>;
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
    listProjects: (filter) => listProjects(state, filter),
    updateProject: (key, change) => updateProject(state, key, change),
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
    const kind = kindOf(input);
    const { accountId, regionId } = input;
    const countMax = kind === "lts" ? state.config.groupsMax : state.config.projectsMax;
    if (listProjects(state, { accountId, regionId, kind }).length >= countMax) {
      return fail("ProjectQuotaExceeded", `project quota exceeded, at most ${countMax}`, {
        allowed: `${countMax}`,
      });
    }
    const nowMs = state.clock.nowMs();
    const logGroup = groupText(input.group);
    return ok(projectOf(state.rows.insertProject(input, { description, resourceGroupId, logGroup, nowMs })));
  });
  if (created.ok) state.changes.announce({ subject: "logProject", action: "created", id: input.project });
  return created;
}

function listProjects(state: State, { accountId, regionId, kind }: ProjectFilter): LogProject[] {
  return state.rows
    .projects(accountId, regionId)
    .map(projectOf)
    .filter((project) => kind === undefined || kindOf(project) === kind);
}

function kindOf({ group }: Pick<LogProject, "group">): LogProjectKind {
  return group === undefined ? "sls" : "lts";
}

function updateProject(
  state: State,
  key: ProjectKey,
  change: Parameters<LogProjects["updateProject"]>[1],
): Result<LogProject> {
  const found = findProject(state, key);
  if (!found.ok) return found;
  const { description = found.value.description } = change;
  const described = checkDescription(description);
  if (!described.ok) return described;
  const logGroup = groupText(change.group) ?? found.value.logGroup;
  const values = { description, logGroup, nowMs: state.clock.nowMs() };
  const saved = committed(state, () => ok(state.rows.updateProject(found.value.id, values)));
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
    const { logstoresMax, streamsMax } = state.config;
    const countMax = input.settings?.stream === undefined ? logstoresMax : streamsMax;
    if (siblings.length >= countMax) {
      return fail("LogstoreQuotaExceeded", `logstore quota exceeded, at most ${countMax}`, {
        allowed: `${countMax}`,
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
function projectOf({ id: _id, logGroup, ...row }: ProjectRow): LogProject {
  return logGroup === null ? row : { ...row, group: JSON.parse(logGroup) as LogGroupSettings };
}

function logstoreOf({ settings, ...row }: LogstoreRow): Logstore {
  return { ...row, settings: JSON.parse(settings) as LogstoreSettings };
}

function groupText(group: LogGroupSettings | undefined): string | null {
  return group === undefined ? null : JSON.stringify(group);
}
