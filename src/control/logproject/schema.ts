/** The tables of log projects and their logstores. */
export const logProjectMigration = `
CREATE TABLE log_project (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  account_id TEXT NOT NULL REFERENCES account (id),
  region_id TEXT NOT NULL,
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  resource_group_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  UNIQUE (account_id, region_id, name)
) STRICT;

CREATE TABLE logstore (
  -- AUTOINCREMENT: stored rows are named by this number, so a new logstore must never get an old one's.
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  project_id INTEGER NOT NULL REFERENCES log_project (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  retention_days INTEGER NOT NULL CHECK (retention_days BETWEEN 1 AND 3650),
  -- Settings that Weir keeps for the client and does not act on, as JSON.
  settings TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  UNIQUE (project_id, name)
) STRICT;
`;

/** What a log group of Huawei's log service has besides, as JSON; NULL for a project of Alibaba's. */
export const logGroupMigration = `ALTER TABLE log_project ADD COLUMN log_group TEXT`;
