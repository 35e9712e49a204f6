import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { systemClock, unwrap } from "../../src/base/mod.ts";
import { type Control, openControl } from "../../src/control/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";
import { scratchFolder } from "../support/scratch.ts";

function open(directory = scratchFolder("keys")): {
  control: Control;
  directory: string;
} {
  const path = join(directory, "control.sqlite");
  return { control: unwrap(openControl({ path }, { clock: systemClock, logger: silentLogger })), directory };
}

describe("access keys", () => {
  it("are shown with their secret once, and are in no file in clear", () => {
    const { control, directory } = open();
    const accountId = control.accounts.default.id;
    const made = unwrap(control.accessKeys.create(accountId));
    expect(made).toMatchObject({
      accessKeyId: expect.stringMatching(/^LTAI[A-Za-z0-9]{20}$/u),
      accessKeySecret: expect.stringMatching(/^[A-Za-z0-9]{30}$/u),
      status: "active",
    });
    const [listed] = control.accessKeys.list(accountId);
    expect(listed).toEqual({
      accessKeyId: made.accessKeyId,
      accountId,
      status: "active",
      createdMs: made.createdMs,
    });
    control.close();
    const file = readFileSync(join(directory, "control.sqlite"), "latin1");
    expect(file).toContain(made.accessKeyId);
    expect(file).not.toContain(made.accessKeySecret);
  });

  it("survive a restart", () => {
    const first = open();
    const made = unwrap(first.control.accessKeys.create(first.control.accounts.default.id));
    first.control.close();
    const again = open(first.directory).control;
    expect(again.accessKeys.find(made.accessKeyId)).toEqual({ ok: true, value: made });
    expect(again.accounts.default.id).toBe(made.accountId);
    again.close();
  });

  it("cannot be read without the key file", () => {
    const { control, directory } = open();
    unwrap(control.accessKeys.create(control.accounts.default.id));
    control.close();
    rmSync(join(directory, "secret.key"));
    const path = join(directory, "control.sqlite");
    const opened = openControl({ path }, { clock: systemClock, logger: silentLogger });
    expect(opened).toMatchObject({
      fault: { code: "DataDirectoryUnusable", value: join(directory, "secret.key") },
    });
  });

  it("may be named by the operator, who may change the secret", () => {
    const { control } = open();
    const accountId = control.accounts.default.id;
    const given = { accessKeyId: "from-the-environment", accessKeySecret: "a-secret-of-mine" };
    expect(unwrap(control.accessKeys.ensure(accountId, given))).toMatchObject(given);
    expect(control.accessKeys.create(accountId, { given })).toMatchObject({
      fault: { code: "InputInvalid" },
    });
    unwrap(control.accessKeys.setStatus(accountId, given.accessKeyId, "inactive"));
    const changed = { ...given, accessKeySecret: "another-secret" };
    unwrap(control.accessKeys.ensure(accountId, changed));
    expect(unwrap(control.accessKeys.find(given.accessKeyId))).toMatchObject({
      ...changed,
      status: "active",
    });
    expect(control.accessKeys.list(accountId)).toHaveLength(1);
    control.close();
  });

  it.each([
    ["short", "long-enough-secret", "accessKeyId"],
    ["with space in it", "long-enough-secret", "accessKeyId"],
    ["good-key-id", "short", "accessKeySecret"],
    ["good-key-id", "with space in it", "accessKeySecret"],
    ["good-key-id", "sécret-sécret", "accessKeySecret"],
  ])("refuse the pair %s, %s", (accessKeyId, accessKeySecret, field) => {
    const { control } = open();
    const made = control.accessKeys.create(control.accounts.default.id, {
      given: { accessKeyId, accessKeySecret },
    });
    expect(made).toMatchObject({ fault: { code: "InputInvalid", field } });
    expect(JSON.stringify(made)).not.toContain(field === "accessKeySecret" ? accessKeySecret : "-secret");
    control.close();
  });

  it("stop working when disabled or removed, for their own account alone", () => {
    const { control } = open();
    const accountId = control.accounts.default.id;
    const { accessKeyId } = unwrap(control.accessKeys.create(accountId));
    expect(control.accessKeys.setStatus("another", accessKeyId, "inactive").ok).toBe(false);
    unwrap(control.accessKeys.setStatus(accountId, accessKeyId, "inactive"));
    expect(control.accessKeys.find(accessKeyId)).toMatchObject({ fault: { code: "AccessKeyInactive" } });
    expect(control.accessKeys.remove("another", accessKeyId)).toMatchObject({
      fault: { code: "AccessKeyNotFound" },
    });
    unwrap(control.accessKeys.remove(accountId, accessKeyId));
    expect(control.accessKeys.find(accessKeyId)).toMatchObject({ fault: { code: "AccessKeyNotFound" } });
    control.close();
  });
});
