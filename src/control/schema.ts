/**
 * The schema of control.sqlite: one ordered list of migrations for every area of control/.
 *
 * Entries are appended, never edited or reordered: an entry's index is the schema version that a data
 * directory in the field already has.
 */
import { accessMigration, groupMigration } from "./access/mod.ts";
import { logGroupMigration, logProjectMigration } from "./logproject/mod.ts";
import { threeServicesMigration } from "./three-services-schema.ts";

const core = `
CREATE TABLE account (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  resource_group_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE access_key (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  sealed_secret BLOB NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE resource (
  id TEXT PRIMARY KEY,
  -- What the resource was found by: the same key finds the same resource after a restart.
  discovery_key TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL REFERENCES account (id),
  region_id TEXT NOT NULL,
  parent_id TEXT REFERENCES resource (id),
  settings TEXT NOT NULL,
  created_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE flow_log (
  -- AUTOINCREMENT: a number is never given twice, for NetFlow collectors keep state by it.
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  account_id TEXT NOT NULL REFERENCES account (id),
  region_id TEXT NOT NULL,
  service TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
  settings TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE association (
  flow_log_id TEXT NOT NULL REFERENCES flow_log (id),
  resource_id TEXT NOT NULL REFERENCES resource (id),
  service TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (flow_log_id, resource_id),
  -- A resource carries at most one flow log of each service.
  UNIQUE (service, resource_id)
) STRICT;
`;

export const controlMigrations: readonly string[] = [
  core,
  logProjectMigration,
  accessMigration,
  logGroupMigration,
  threeServicesMigration,
  groupMigration,
];
