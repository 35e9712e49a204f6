/** What flow logs of several services need: targets, life cycle, tags, groups, and resources with a place. */

/** A version 4 UUID, in SQL, for rows that were made before there were UUIDs. */
const newUuid = `lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-'
  || substr('89ab', 1 + (abs(random()) % 4), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))`;

export const threeServicesMigration = `
ALTER TABLE resource ADD COLUMN uuid TEXT NOT NULL DEFAULT '';
UPDATE resource SET uuid = ${newUuid};
CREATE UNIQUE INDEX resource_uuid ON resource (uuid);

ALTER TABLE flow_log ADD COLUMN uuid TEXT NOT NULL DEFAULT '';
UPDATE flow_log SET uuid = ${newUuid};
CREATE UNIQUE INDEX flow_log_uuid ON flow_log (uuid);
-- The resource that it was created on; '' for the services that bind resources later.
ALTER TABLE flow_log ADD COLUMN target_type TEXT NOT NULL DEFAULT '';
ALTER TABLE flow_log ADD COLUMN target_id TEXT NOT NULL DEFAULT '';
ALTER TABLE flow_log ADD COLUMN transition TEXT
  CHECK (transition IN ('activating', 'modifying', 'deactivating', 'deleting'));
ALTER TABLE flow_log ADD COLUMN tags TEXT NOT NULL DEFAULT '{}';
ALTER TABLE flow_log ADD COLUMN as_sent TEXT NOT NULL DEFAULT '{}';
-- A resource has at most one flow log of this service.
CREATE UNIQUE INDEX flow_log_vpc_target ON flow_log (target_id) WHERE service = 'vpc';

CREATE TABLE resource_group (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

CREATE TABLE opened_service (
  service TEXT NOT NULL,
  account_id TEXT NOT NULL REFERENCES account (id),
  region_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (service, account_id, region_id)
) STRICT;

CREATE TABLE request_token (
  account_id TEXT NOT NULL REFERENCES account (id),
  region_id TEXT NOT NULL,
  action TEXT NOT NULL,
  token TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  -- The id of what the request made.
  made TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, region_id, action, token)
) STRICT;
`;
