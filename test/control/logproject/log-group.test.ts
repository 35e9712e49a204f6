import { beforeEach, describe, expect, it } from "vitest";

import { type Clock, type Result, unwrap } from "../../../src/base/mod.ts";
import {
  createLogGroups,
  createLogProjects,
  type LogGroups,
  type LogProjects,
  logProjectMigration,
} from "../../../src/control/logproject/mod.ts";
import { controlMigrations } from "../../../src/control/schema.ts";
import { type Database, openDatabase } from "../../../src/database/mod.ts";
import { silentLogger } from "../../../src/observe/mod.ts";

const accountId = "1234567890123456";
const scope = { accountId, regionId: "eu-de" };
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u;

let nowMs = 1_700_000_000_000;
const clock: Clock = { nowMs: () => nowMs++, monotonicMs: () => nowMs };
let database: Database;
let projects: LogProjects;
let groups: LogGroups;

function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.fault.code;
}

beforeEach(() => {
  database = unwrap(openDatabase(":memory:", { migrations: controlMigrations }));
  database.prepare("INSERT INTO account VALUES (?, 'name', 'rg', 0)").run(accountId);
  const config = { groupsMax: 3, streamsMax: 3, projectsMax: 1 };
  const changes = { announce: () => undefined };
  projects = createLogProjects(database, { clock, logger: silentLogger, changes, config });
  groups = createLogGroups(projects);
});

describe("log groups", () => {
  it("have a UUID, and keep name, retention, alias and tags", () => {
    const group = unwrap(groups.create(scope, { name: "lts-group", retentionDays: 7, tags: { a: "b" } }));
    expect(group.id).toMatch(uuid);
    expect(group).toMatchObject({ name: "lts-group", retentionDays: 7, alias: "", tags: { a: "b" } });
    expect(unwrap(groups.get(scope, group.id))).toEqual(group);
    expect(groups.list(scope)).toEqual([group]);
    const changed = unwrap(groups.update(scope, group.id, { retentionDays: 8, alias: "flows" }));
    expect(changed).toEqual({ ...group, retentionDays: 8, alias: "flows" });
    expect(unwrap(groups.get(scope, group.id))).toEqual(changed);
  });

  it("are of one account and region, and apart from the projects of the other log service", () => {
    const { id } = unwrap(groups.create(scope, { name: "one", retentionDays: 1 }));
    unwrap(projects.createProject({ ...scope, project: "alibaba" }));
    expect(codeOf(groups.get({ accountId, regionId: "eu-nl" }, id))).toBe("ProjectNotFound");
    expect(codeOf(groups.get(scope, "alibaba"))).toBe("ProjectNotFound");
    expect(codeOf(groups.remove(scope, "alibaba"))).toBe("ProjectNotFound");
    const namesOf = (kind: "sls" | "lts") =>
      projects.listProjects({ accountId, kind }).map(({ name }) => name);
    expect(namesOf("sls")).toEqual(["alibaba"]);
    expect(namesOf("lts")).toEqual([id]);
  });

  it("have names of their own, up to the quota", () => {
    for (const name of ["a", "b", "c"]) unwrap(groups.create(scope, { name, retentionDays: 1 }));
    expect(codeOf(groups.create(scope, { name: "b", retentionDays: 1 }))).toBe("ProjectExists");
    expect(codeOf(groups.create(scope, { name: "d", retentionDays: 1 }))).toBe("ProjectQuotaExceeded");
  });

  it.each(["", ".a", "_a", "a.", "a b", "ä", "a/b", "x".repeat(65)])("refuse the name %j", (name) => {
    expect(codeOf(groups.create(scope, { name, retentionDays: 1 }))).toBe("InputInvalid");
  });

  it.each([0, 366, 1.5, Number.NaN])("refuse a retention of %d days", (retentionDays) => {
    expect(codeOf(groups.create(scope, { name: "a", retentionDays }))).toBe("InputOutOfRange");
  });

  it("are kept in a database that was made before there were any", () => {
    const old = unwrap(openDatabase(":memory:", { migrations: controlMigrations.slice(0, 2) }));
    expect(controlMigrations[1]).toBe(logProjectMigration);
    old.prepare("INSERT INTO account VALUES (?, 'name', 'rg', 0)").run(accountId);
    old.exec(`INSERT INTO log_project (account_id, region_id, name, description, resource_group_id,
      created_ms, updated_ms) VALUES ('${accountId}', 'cn-shanghai', 'flows', '', '', 1, 1)`);
    for (const migration of controlMigrations.slice(2)) old.exec(migration);
    const deps = { clock, logger: silentLogger, changes: { announce: () => undefined } };
    const reopened = createLogProjects(old, deps);
    expect(reopened.listProjects({ accountId, kind: "sls" })).toHaveLength(1);
    expect(codeOf(createLogGroups(reopened).create(scope, { name: "a", retentionDays: 1 }))).toBe("ok");
  });
});

describe("log streams", () => {
  let groupId: string;
  beforeEach(() => {
    groupId = unwrap(groups.create(scope, { name: "group", retentionDays: 7 })).id;
  });

  it("are logstores with a UUID, kept as long as their group says unless they say so themselves", () => {
    const plain = unwrap(groups.createStream(scope, groupId, { name: "plain" }));
    const own = unwrap(groups.createStream(scope, groupId, { name: "own", retentionDays: 30 }));
    expect(plain.id).toMatch(uuid);
    const daysOf = (streamId: string) =>
      unwrap(projects.getLogstore({ ...scope, project: groupId, logstore: streamId })).retentionDays;
    expect([daysOf(plain.id), daysOf(own.id)]).toEqual([7, 30]);
    unwrap(groups.update(scope, groupId, { retentionDays: 9 }));
    expect([daysOf(plain.id), daysOf(own.id)]).toEqual([9, 30]);
    unwrap(groups.updateStream(scope, groupId, plain.id, { retentionDays: 2 }));
    expect(daysOf(plain.id)).toBe(2);
    const streams = unwrap(groups.listStreams(scope, groupId));
    expect(streams.map(({ name, retentionDays }) => [name, retentionDays])).toEqual([
      ["plain", 2],
      ["own", 30],
    ]);
    unwrap(groups.updateStream(scope, groupId, own.id, { retentionDays: null }));
    expect(daysOf(own.id)).toBe(9);
    expect(unwrap(groups.getStream(scope, groupId, own.id))).not.toHaveProperty("retentionDays");
  });

  it("go by themselves or with their group, and their rows with them", () => {
    const gone: number[] = [];
    projects.onLogstoreDeleted(({ id }) => void gone.push(id));
    const [a, b] = ["a", "b"].map((name) => unwrap(groups.createStream(scope, groupId, { name })));
    unwrap(groups.removeStream(scope, groupId, a!.id));
    expect(codeOf(groups.removeStream(scope, groupId, a!.id))).toBe("LogstoreNotFound");
    unwrap(groups.remove(scope, groupId));
    expect(codeOf(groups.remove(scope, groupId))).toBe("ProjectNotFound");
    expect(codeOf(groups.listStreams(scope, groupId))).toBe("ProjectNotFound");
    expect(gone).toEqual([a!.logstore, b!.logstore]);
  });

  it("have names of their own within the group, up to the quota", () => {
    for (const name of ["a", "b", "c"]) unwrap(groups.createStream(scope, groupId, { name }));
    expect(codeOf(groups.createStream(scope, groupId, { name: "a" }))).toBe("LogstoreExists");
    expect(codeOf(groups.createStream(scope, groupId, { name: "d" }))).toBe("LogstoreQuotaExceeded");
  });
});
