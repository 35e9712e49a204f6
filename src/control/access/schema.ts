/** Users, roles, policies and groups in control.sqlite. */

export const accessMigration = `
CREATE TABLE ram_user (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  display_name TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

CREATE TABLE ram_role (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  trust_policy TEXT NOT NULL,
  session_s_max INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

CREATE TABLE policy (
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  document TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, name)
) STRICT;

CREATE TABLE policy_attachment (
  account_id TEXT NOT NULL REFERENCES account (id),
  -- No foreign key: a system policy is in no table.
  policy_name TEXT NOT NULL,
  -- Id of a user or role.
  holder_id TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  PRIMARY KEY (account_id, policy_name, holder_id)
) STRICT;

-- Whose key it is: a user's, or, where null, the account's own.
ALTER TABLE access_key ADD COLUMN user_id TEXT REFERENCES ram_user (id);
`;

export const groupMigration = `
CREATE TABLE ram_group (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES account (id),
  name TEXT NOT NULL,
  description TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  UNIQUE (account_id, name)
) STRICT;

CREATE TABLE ram_membership (
  group_id TEXT NOT NULL REFERENCES ram_group (id),
  user_id TEXT NOT NULL REFERENCES ram_user (id),
  PRIMARY KEY (group_id, user_id)
) STRICT;
`;
