/** `weir user`, `role`, `policy` and `access-key`, as a process against a native API on a socket. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { createNativeServer, type NativeServer } from "../gateway/dialect/native/support.ts";
import { type Ran, weir } from "./launcher.ts";

let server: NativeServer;
const scratch = mkdtempSync(join(tmpdir(), "weir-cli-access-"));
beforeAll(async () => {
  server = createNativeServer();
  unwrap(await server.gateway.start());
});
afterAll(async () => {
  await server.close();
  rmSync(scratch, { recursive: true });
});

const run = (...args: readonly string[]): Promise<Ran> => weir(...args, "--data", server.data);

function file(name: string, content: unknown): string {
  const path = join(scratch, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

describe("weir user, policy and access-key", () => {
  it("make a user with a policy and a key, and show what it has", async () => {
    const document = file("gateways.json", {
      Version: "1",
      Statement: [{ Effect: "Allow", Action: "smartag:*", Resource: "*" }],
    });
    expect((await run("policy", "create", "gateways", "--document", document)).out).toMatch(
      /^created policy gateways\nnext: \.\/weir user attach USER gateways/u,
    );
    expect((await run("user", "create", "alice", "--display-name", "Alice")).out).toMatch(
      /^created user alice\nnext: /u,
    );
    expect((await run("user", "attach", "alice", "gateways")).out).toBe("attached gateways to user alice\n");
    const { out } = await run("access-key", "create", "--user", "alice", "--json");
    const { accessKeyId } = JSON.parse(out) as { accessKeyId: string };
    const shown = await run("user", "show", "alice");
    expect(shown.out).toContain("policies      gateways\n");
    expect(shown.out).toContain(`access keys   ${accessKeyId}\n`);
    expect((await run("policy", "show", "gateways")).out).toContain('"smartag:*"');
    expect((await run("policy", "list")).out).toMatch(/^gateways +Custom +alice/mu);

    const rotated = await run("access-key", "rotate", accessKeyId, "--disable");
    expect(rotated.out).toContain("Note the secret down");
    expect((await run("access-key", "list")).out).toMatch(
      new RegExp(`^${accessKeyId} +inactive +\\S+ +alice$`, "mu"),
    );

    expect((await run("user", "detach", "alice", "gateways")).out).toBe(
      "detached gateways from user alice\n",
    );
    expect((await run("user", "delete", "alice")).out).toBe("deleted user alice\n");
    expect((await run("policy", "delete", "gateways")).out).toBe("deleted policy gateways\n");
  });

  it("say what is wrong in the words that were typed", async () => {
    const refused = await run("policy", "create", "bad", "--document", file("bad.json", { Version: "1" }));
    expect(refused.code).toBe(1);
    expect(refused.errors).toContain("Statement of the policy is not a list of statements");
    const missing = await run("policy", "create", "bad", "--document", join(scratch, "none.json"));
    expect(missing.errors).toContain("cannot read the document");
    const unnamed = await run("user", "create", "a b");
    expect(unnamed.errors).toContain("NAME: a b");
    const unknown = await run("access-key", "create", "--user", "nobody");
    expect(unknown.errors).toContain("there is no user nobody");
    expect(unknown.errors).toContain("./weir user list");
  });
});

describe("weir account", () => {
  it("makes an account, which the other commands are about where it is named", async () => {
    const created = await run("account", "create", "tenant");
    expect(created.out).toMatch(
      /^created account \d{16}\nnext: \.\/weir access-key create --account tenant --data /u,
    );
    expect((await run("account", "list")).out).toMatch(/^\d{16} +tenant /mu);
    expect((await run("user", "create", "dora", "--account", "tenant")).out).toMatch(
      /^created user dora\nnext: .+ --account tenant --data /u,
    );
    expect((await run("user", "list", "--account", "tenant")).out).toContain("dora");
    expect((await run("user", "list")).out).not.toContain("dora");
    const region = ["--region", "cn-shanghai", "--account", "tenant"];
    await run("project", "create", "tenant-logs", ...region);
    expect((await run("project", "list", ...region)).out).toContain("tenant-logs");
    expect((await run("project", "list")).out).not.toContain("tenant-logs");
    expect((await run("resource", "list", "--account", "tenant")).out).not.toContain("sag-");
  });

  it("shows an account and deletes one that has nothing left", async () => {
    await run("account", "create", "leaving");
    expect((await run("account", "show", "leaving")).out).toMatch(/^name +leaving$/mu);
    await run("user", "create", "dora", "--account", "leaving");
    const refused = await run("account", "delete", "leaving");
    expect(refused.code).toBe(1);
    expect(refused.errors).toMatch(
      /^error: the account still has users \(1\)\n {2}ACCOUNT: \d{16}\n {2}remedy: delete them first/u,
    );
    await run("user", "delete", "dora", "--account", "leaving");
    expect((await run("account", "delete", "leaving", "--json")).out).toBe("{}\n");
    expect((await run("account", "delete", "leaving")).errors).toContain("there is no account leaving");
    const own = await run("account", "delete", "default");
    expect(own.errors).toContain("default is the installation's account, whose the host is, and stays");
  });

  it("tells of an account that is none, and of one that is there", async () => {
    const unknown = await run("flow-log", "list", "--account", "nobody");
    expect(unknown.code).toBe(1);
    expect(unknown.errors).toContain("there is no account nobody");
    expect(unknown.errors).toContain("--account: nobody");
    const records = await run("records", "--project", "p", "--logstore", "l", "--account", "nobody");
    expect(records.errors).toContain("there is no account nobody");
    const target = ["--project", "p", "--logstore", "l", "--account", "nobody"];
    expect((await run("records", ...target, "--follow")).errors).toContain("--account: nobody");
    expect((await run("account", "create", "default")).errors).toContain(
      "there is an account default already",
    );
  });
});

describe("weir group", () => {
  it("puts users together, who have its policies", async () => {
    await run("user", "create", "carol");
    expect((await run("group", "create", "staff", "--description", "all")).out).toMatch(
      /^created group staff\n/u,
    );
    expect((await run("group", "attach", "staff", "ReadOnlyAccess")).out).toBe(
      "attached ReadOnlyAccess to group staff\n",
    );
    expect((await run("group", "add", "staff", "carol")).out).toBe("joined group staff: user carol\n");
    expect((await run("group", "list")).out).toMatch(/^staff +carol +ReadOnlyAccess +all$/mu);
    expect((await run("user", "show", "carol")).out).toMatch(/^groups +staff$/mu);
    expect((await run("group", "modify", "staff", "--description", "everyone")).out).toBe(
      "modified group staff\n",
    );
    expect((await run("group", "show", "staff")).out).toMatch(/^description +everyone$/mu);
    expect((await run("user", "modify", "carol", "--display-name", "Carol")).out).toBe(
      "modified user carol\n",
    );
    expect((await run("user", "show", "carol")).out).toMatch(/^display name +Carol$/mu);
    const long = await run("user", "modify", "carol", "--display-name", "x".repeat(1025));
    expect(long.errors).toContain("--display-name is too long");
    expect((await run("group", "remove", "staff", "carol")).out).toBe("left group staff: user carol\n");
    expect((await run("group", "delete", "staff")).out).toBe("deleted group staff\n");
  });
});

describe("a command that changes what its flags name", () => {
  it.each([
    [["user", "modify", "eve"], "--display-name"],
    [["group", "modify", "eve"], "--description"],
    [["role", "modify", "eve"], "--trust-policy, --description, --session-max"],
    [["policy", "modify", "eve"], "--document, --description"],
    [["flow-log", "update", "fl-eve"], "--name, --description, --log, --log-region, --netflow, "],
  ])("is refused where they name nothing: %j", async (words, allowed) => {
    const refused = await run(...words);
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.errors).toContain(`error: nothing is named that is to change\n  allowed: ${allowed}`);
  });
});

describe("weir role", () => {
  it("makes, changes and shows a role, which trusts the account unless it is told whom", async () => {
    expect((await run("role", "create", "reader", "--session-max", "7200")).out).toMatch(
      /^created role acs:ram::\d{16}:role\/reader\n/u,
    );
    expect((await run("role", "attach", "reader", "ReadOnlyAccess")).out).toBe(
      "attached ReadOnlyAccess to role reader\n",
    );
    const shown = (await run("role", "show", "reader")).out;
    expect(shown).toContain("longest session  7200 s\n");
    expect(shown).toMatch(/acs:ram::\d{16}:root/u);
    const trust = file("trust.json", {
      Version: "1",
      Statement: [
        {
          Effect: "Allow",
          Action: "sts:AssumeRole",
          Principal: { RAM: ["acs:ram::1234567890123456:user/alice"] },
        },
      ],
    });
    expect((await run("role", "modify", "reader", "--trust-policy", trust)).out).toBe(
      "modified role reader\n",
    );
    expect((await run("role", "show", "reader")).out).toContain("user/alice");
    expect((await run("role", "list")).out).toMatch(
      /^reader +acs:ram::\d{16}:role\/reader +ReadOnlyAccess/mu,
    );
    expect((await run("role", "delete", "reader")).out).toBe("deleted role reader\n");
    const refused = await run("role", "create", "bad", "--session-max", "60");
    expect(refused.errors).toContain("--session-max: 60");
  });
});
