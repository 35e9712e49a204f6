import { beforeEach, describe, expect, it } from "vitest";

import { type Clock, type Result, unwrap } from "../../../src/base/mod.ts";
import { createLogProjects, type LogProjects, type Logstore } from "../../../src/control/logproject/mod.ts";
import type { ControlChange } from "../../../src/control/mod.ts";
import { controlMigrations } from "../../../src/control/schema.ts";
import { type Database, openDatabase } from "../../../src/database/mod.ts";
import { silentLogger } from "../../../src/observe/mod.ts";

const accountId = "1234567890123456";
const project = { accountId, regionId: "cn-shanghai", project: "flows" };
const logstore = { ...project, logstore: "sag_records" };

let nowMs = 1_700_000_000_000;
const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
let database: Database;
let logProjects: LogProjects;
let deleted: Logstore[];
let announced: ControlChange[];

function open(config = {}): LogProjects {
  const changes = { announce: (change: ControlChange) => void announced.push(change) };
  return createLogProjects(database, { clock, logger: silentLogger, changes, config });
}

function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.fault.code;
}

beforeEach(() => {
  nowMs = 1_700_000_000_000;
  database = unwrap(openDatabase(":memory:", { migrations: controlMigrations }));
  for (const id of [accountId, "2222222222222222"]) {
    database.prepare("INSERT INTO account VALUES (?, 'name', 'rg', 0)").run(id);
  }
  logProjects = open();
  deleted = [];
  announced = [];
  logProjects.onLogstoreDeleted((each) => void deleted.push(each));
});

describe("log projects", () => {
  it("are kept with what was said of them", () => {
    unwrap(logProjects.createProject({ ...project, description: "records" }));
    expect(unwrap(logProjects.getProject(project))).toEqual({
      accountId,
      regionId: "cn-shanghai",
      name: "flows",
      description: "records",
      resourceGroupId: "",
      createdMs: nowMs,
      updatedMs: nowMs,
    });
    nowMs += 5;
    expect(unwrap(logProjects.updateProject(project, { description: "other" }))).toMatchObject({
      description: "other",
      createdMs: nowMs - 5,
      updatedMs: nowMs,
    });
  });

  it("are named by account, region and name together", () => {
    unwrap(logProjects.createProject(project));
    expect(codeOf(logProjects.createProject(project))).toBe("ProjectExists");
    expect(codeOf(logProjects.getProject({ ...project, regionId: "cn-beijing" }))).toBe("ProjectNotFound");
    unwrap(logProjects.createProject({ ...project, regionId: "cn-beijing" }));
    unwrap(logProjects.createProject({ ...project, accountId: "2222222222222222" }));
    expect(logProjects.listProjects({ accountId }).map((each) => each.regionId)).toEqual([
      "cn-beijing",
      "cn-shanghai",
    ]);
    expect(logProjects.listProjects({ accountId, regionId: "cn-beijing" })).toHaveLength(1);
  });

  it("are the same in any case of their letters", () => {
    unwrap(logProjects.ensure({ ...logstore, project: "Example_Value" }));
    expect(unwrap(logProjects.getProject({ ...project, project: "example_value" })).name).toBe(
      "Example_Value",
    );
    unwrap(logProjects.ensure({ ...logstore, project: "EXAMPLE_value" }));
    expect(logProjects.listProjects({ accountId })).toHaveLength(1);
  });

  it("are located in the first of the regions that has one, else in any", () => {
    unwrap(logProjects.ensure({ ...logstore, regionId: "cn-beijing", project: "Both" }));
    unwrap(logProjects.ensure({ ...logstore, regionId: "cn-shanghai", project: "both" }));
    unwrap(logProjects.ensure({ ...logstore, regionId: "cn-hangzhou", project: "One" }));
    const regionOf = (named: string, ...regionIds: string[]) =>
      unwrap(logProjects.locateProject({ accountId, project: named, regionIds })).regionId;
    expect(regionOf("both", "cn-hangzhou", "cn-shanghai", "cn-beijing")).toBe("cn-shanghai");
    expect(regionOf("both", "cn-beijing")).toBe("cn-beijing");
    expect(regionOf("one", "cn-beijing")).toBe("cn-hangzhou");
    expect(codeOf(logProjects.locateProject({ accountId, project: "none", regionIds: [] }))).toBe(
      "ProjectNotFound",
    );
    const stranger = { accountId: "2222222222222222", project: "one", regionIds: ["cn-hangzhou"] };
    expect(codeOf(logProjects.locateProject(stranger))).toBe("ProjectNotFound");
  });

  it.each([
    ["ab", "InputInvalid"],
    ["abc", "ok"],
    ["a".repeat(63), "ok"],
    ["a".repeat(64), "InputInvalid"],
    ["-abc", "InputInvalid"],
    ["abc-", "InputInvalid"],
    ["Abc", "InputInvalid"],
    ["a_c", "InputInvalid"],
    ["a-1", "ok"],
    ["", "InputInvalid"],
    ["abc\n", "InputInvalid"],
  ])("of the name %j are %s", (name, code) => {
    expect(codeOf(logProjects.createProject({ ...project, project: name }))).toBe(code);
  });

  it("refuse a description that the service refuses", () => {
    expect(codeOf(logProjects.createProject({ ...project, description: "a<b" }))).toBe("InputInvalid");
    expect(codeOf(logProjects.createProject({ ...project, description: "x".repeat(65) }))).toBe(
      "InputInvalid",
    );
  });

  it("stop at the quota", () => {
    logProjects = open({ projectsMax: 2 });
    unwrap(logProjects.createProject(project));
    unwrap(logProjects.createProject({ ...project, project: "second" }));
    expect(codeOf(logProjects.createProject({ ...project, project: "third" }))).toBe("ProjectQuotaExceeded");
  });

  it("take their logstores with them, each of which is told", () => {
    const kept = unwrap(logProjects.ensure(logstore));
    unwrap(logProjects.deleteProject(project));
    expect(deleted).toEqual([kept]);
    expect(codeOf(logProjects.getProject(project))).toBe("ProjectNotFound");
    expect(codeOf(logProjects.deleteProject(project))).toBe("ProjectNotFound");
    expect(logProjects.allLogstores()).toEqual([]);
  });
});

describe("logstores", () => {
  beforeEach(() => void unwrap(logProjects.createProject(project)));

  it("have a number that is never given again", () => {
    const numbers = [1, 2, 3].map(() => {
      const { id } = unwrap(logProjects.createLogstore({ ...logstore, retentionDays: 7 }));
      unwrap(logProjects.deleteLogstore(logstore));
      return id;
    });
    expect(new Set(numbers).size).toBe(3);
    unwrap(logProjects.deleteProject(project));
    expect(numbers).not.toContain(unwrap(logProjects.ensure(logstore)).id);
  });

  it("are made with their project on first use, and found afterwards", () => {
    unwrap(logProjects.deleteProject(project));
    const made = unwrap(logProjects.ensure(logstore));
    expect(made).toMatchObject({ project: "flows", name: "sag_records", retentionDays: 30 });
    expect(unwrap(logProjects.ensure(logstore))).toEqual(made);
  });

  it.each([
    ["example_value", "ok"],
    ["tf_testAcc.update-1", "ok"],
    ["-", "ok"],
    ["A".repeat(128), "ok"],
    ["a".repeat(129), "InputInvalid"],
    ["", "InputInvalid"],
    [".", "InputInvalid"],
    ["..", "InputInvalid"],
    ["a/b", "InputInvalid"],
    ["a b", "InputInvalid"],
    ["é", "InputInvalid"],
    ["abc\n", "InputInvalid"],
  ])("that a flow log names %j are %s to make", (name, expected) => {
    expect(codeOf(logProjects.ensure({ ...logstore, project: name }))).toBe(expected);
    expect(codeOf(logProjects.ensure({ ...logstore, logstore: name }))).toBe(expected);
    const wanted = expected === "ok" ? "ok" : "ProjectNotFound";
    expect(codeOf(logProjects.getLogstore({ ...logstore, project: name }))).toBe(wanted);
  });

  it("refuse as full what the disk has no room for", () => {
    const failing = new Proxy(database, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== "function") return member;
        return (...args: unknown[]): unknown => {
          if (name === "exec" && args[0] === "COMMIT") throw new Error("database or disk is full");
          return Reflect.apply(member, target, args) as unknown;
        };
      },
    });
    const changes = { announce: (change: ControlChange) => void announced.push(change) };
    const full = createLogProjects(failing, { clock, logger: silentLogger, changes });
    announced.length = 0;
    expect(codeOf(full.ensure(logstore))).toBe("DiskFull");
    expect(codeOf(full.updateProject(project, { description: "x" }))).toBe("DiskFull");
    expect(codeOf(full.deleteProject(project))).toBe("DiskFull");
    expect(announced).toEqual([]);
    expect(codeOf(logProjects.getProject(project))).toBe("ok");
  });

  it("keep their settings", () => {
    unwrap(logProjects.createLogstore({ ...logstore, retentionDays: 7, settings: { shardCount: 2 } }));
    unwrap(logProjects.updateLogstore(logstore, { retentionDays: 3650, settings: { autoSplit: true } }));
    expect(unwrap(logProjects.getLogstore(logstore))).toMatchObject({
      retentionDays: 3650,
      settings: { shardCount: 2, autoSplit: true, maxSplitShard: 0 },
    });
    expect(codeOf(logProjects.createLogstore({ ...logstore, retentionDays: 7 }))).toBe("LogstoreExists");
  });

  it.each([
    [0, "InputOutOfRange"],
    [1, "ok"],
    [3650, "ok"],
    [3651, "InputOutOfRange"],
    [1.5, "InputOutOfRange"],
    [Number.NaN, "InputOutOfRange"],
  ])("of %d days are %s", (retentionDays, code) => {
    expect(codeOf(logProjects.createLogstore({ ...logstore, retentionDays }))).toBe(code);
  });

  it.each([
    ["ab", "InputInvalid"],
    ["a_c", "ok"],
    ["a-c", "ok"],
    ["_ac", "InputInvalid"],
    ["ac_", "InputInvalid"],
    ["A_c", "InputInvalid"],
    ["a".repeat(63), "ok"],
    ["a".repeat(64), "InputInvalid"],
  ])("of the name %j are %s", (name, code) => {
    expect(codeOf(logProjects.createLogstore({ ...logstore, logstore: name, retentionDays: 1 }))).toBe(code);
  });

  it("are missing where their project or they themselves are", () => {
    expect(codeOf(logProjects.getLogstore(logstore))).toBe("LogstoreNotFound");
    expect(codeOf(logProjects.deleteLogstore(logstore))).toBe("LogstoreNotFound");
    expect(codeOf(logProjects.updateLogstore(logstore, {}))).toBe("LogstoreNotFound");
    expect(codeOf(logProjects.listLogstores({ ...project, project: "none" }))).toBe("ProjectNotFound");
  });

  it("stop at the quota", () => {
    logProjects = open({ logstoresMax: 1 });
    unwrap(logProjects.ensure(logstore));
    expect(codeOf(logProjects.ensure({ ...logstore, logstore: "second" }))).toBe("LogstoreQuotaExceeded");
  });

  it("are deleted even where a listener fails", () => {
    logProjects.onLogstoreDeleted(() => {
      throw new Error("listener");
    });
    unwrap(logProjects.ensure(logstore));
    unwrap(logProjects.deleteLogstore(logstore));
    expect(deleted).toHaveLength(1);
  });
});

describe("changes of projects and logstores", () => {
  it("are announced after the commit, and refusals are not", () => {
    const { id } = unwrap(logProjects.ensure(logstore));
    expect(codeOf(logProjects.createProject(project))).toBe("ProjectExists");
    unwrap(logProjects.updateProject(project, { description: "new" }));
    unwrap(logProjects.updateLogstore(logstore, { retentionDays: 1 }));
    unwrap(logProjects.deleteProject(project));
    const words = announced.map((change) => `${change.subject} ${change.id} ${change.action}`);
    expect(words).toEqual([
      "logProject flows created",
      `logstore ${id} created`,
      "logProject flows modified",
      `logstore ${id} modified`,
      "logProject flows removed",
      `logstore ${id} removed`,
    ]);
  });
});
