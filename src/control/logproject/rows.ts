/** The rows of log_project and logstore, and the statements that read and write them. */
import type { Database } from "../../database/mod.ts";

export interface ProjectRow {
  readonly id: number;
  readonly accountId: string;
  readonly regionId: string;
  readonly name: string;
  readonly description: string;
  readonly resourceGroupId: string;
  readonly logGroup: string | null;
  readonly createdMs: number;
  readonly updatedMs: number;
}

/** What a project is, besides its key. */
export interface ProjectValues {
  readonly description: string;
  readonly resourceGroupId: string;
  readonly logGroup: string | null;
  readonly nowMs: number;
}

export interface LogstoreRow {
  readonly id: number;
  readonly accountId: string;
  readonly regionId: string;
  readonly project: string;
  readonly name: string;
  readonly retentionDays: number;
  readonly settings: string;
  readonly createdMs: number;
  readonly updatedMs: number;
}

interface RowKey {
  readonly accountId: string;
  readonly regionId: string;
  readonly project: string;
}

export interface LogProjectRows {
  /** In any case of its letters. */
  project(key: RowKey): ProjectRow | undefined;
  /** By region and name; of every region if none is given. */
  projects(accountId: string, regionId?: string): readonly ProjectRow[];
  insertProject(key: RowKey, values: ProjectValues): ProjectRow;
  updateProject(id: number, values: Omit<ProjectValues, "resourceGroupId">): void;
  /** Its logstores go with it. */
  deleteProject(id: number): void;
  logstore(projectId: number, name: string): LogstoreRow | undefined;
  logstores(projectId: number): readonly LogstoreRow[];
  allLogstores(): readonly LogstoreRow[];
  insertLogstore(values: {
    readonly projectId: number;
    readonly name: string;
    readonly retentionDays: number;
    readonly settings: string;
    readonly nowMs: number;
  }): void;
  updateLogstore(
    id: number,
    values: { readonly retentionDays: number; readonly settings: string; readonly nowMs: number },
  ): void;
  deleteLogstore(id: number): void;
}

const projectColumns = `id, account_id AS accountId, region_id AS regionId, name, description,
  resource_group_id AS resourceGroupId, log_group AS logGroup, created_ms AS createdMs, updated_ms AS updatedMs`;

const selectLogstore = `SELECT logstore.id, account_id AS accountId, region_id AS regionId,
  log_project.name AS project, logstore.name, retention_days AS retentionDays, settings,
  logstore.created_ms AS createdMs, logstore.updated_ms AS updatedMs
  FROM logstore JOIN log_project ON log_project.id = project_id`;

export function createRows(database: Database): LogProjectRows {
  return { ...projectRows(database), ...logstoreRows(database) };
}

type ProjectRows = Pick<
  LogProjectRows,
  "project" | "projects" | "insertProject" | "updateProject" | "deleteProject"
>;

function projectRows(database: Database): ProjectRows {
  const one = database.prepare(
    `SELECT ${projectColumns} FROM log_project 
     WHERE account_id = ? AND region_id = ? AND name = ? COLLATE NOCASE`,
  );
  const all = database.prepare(
    `SELECT ${projectColumns} FROM log_project
     WHERE account_id = ?1 AND (?2 IS NULL OR region_id = ?2) ORDER BY name, region_id`,
  );
  const insert = database.prepare(
    `INSERT INTO log_project
       (account_id, region_id, name, description, resource_group_id, log_group, created_ms, updated_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7) RETURNING ${projectColumns}`,
  );
  const update = database.prepare(
    "UPDATE log_project SET description = ?, log_group = ?, updated_ms = ? WHERE id = ?",
  );
  const remove = database.prepare("DELETE FROM log_project WHERE id = ?");
  return {
    project: ({ accountId, regionId, project }) =>
      one.get(accountId, regionId, project) as ProjectRow | undefined,
    projects: (accountId, regionId) => all.all(accountId, regionId ?? null) as unknown as ProjectRow[],
    insertProject: ({ accountId, regionId, project }, { description, resourceGroupId, logGroup, nowMs }) =>
      insert.get(
        accountId,
        regionId,
        project,
        description,
        resourceGroupId,
        logGroup,
        nowMs,
      ) as unknown as ProjectRow,
    updateProject: (id, { description, logGroup, nowMs }) =>
      void update.run(description, logGroup, nowMs, id),
    deleteProject: (id) => void remove.run(id),
  };
}

function logstoreRows(database: Database): Omit<LogProjectRows, keyof ProjectRows> {
  const one = database.prepare(`${selectLogstore} WHERE project_id = ? AND logstore.name = ?`);
  const ofProject = database.prepare(`${selectLogstore} WHERE project_id = ? ORDER BY logstore.name`);
  const all = database.prepare(`${selectLogstore} ORDER BY logstore.id`);
  const insert = database.prepare(
    `INSERT INTO logstore (project_id, name, retention_days, settings, created_ms, updated_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, ?5)`,
  );
  const update = database.prepare(
    "UPDATE logstore SET retention_days = ?, settings = ?, updated_ms = ? WHERE id = ?",
  );
  const remove = database.prepare("DELETE FROM logstore WHERE id = ?");
  return {
    logstore: (projectId, name) => one.get(projectId, name) as LogstoreRow | undefined,
    logstores: (projectId) => ofProject.all(projectId) as unknown as LogstoreRow[],
    allLogstores: () => all.all() as unknown as LogstoreRow[],
    insertLogstore: ({ projectId, name, retentionDays, settings, nowMs }) =>
      void insert.run(projectId, name, retentionDays, settings, nowMs),
    updateLogstore: (id, { retentionDays, settings, nowMs }) =>
      void update.run(retentionDays, settings, nowMs, id),
    deleteLogstore: (id) => void remove.run(id),
  };
}
