import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { openSecretBox } from "../../src/control/secret.ts";
import { scratchFolder } from "../support/scratch.ts";

const newKeyPath = (): string => join(scratchFolder("secret"), "secret.key");

describe("the secret box", () => {
  it("makes a key that only its owner can read, and finds it again", () => {
    const path = newKeyPath();
    const sealed = unwrap(openSecretBox(path)).seal("the secret", "LTAIone");
    expect(statSync(path).mode & 0o777).toBe(0o400);
    expect(statSync(path).size).toBe(32);
    expect(unwrap(openSecretBox(path)).open(sealed, "LTAIone")).toEqual({ ok: true, value: "the secret" });
  });

  it("seals the same secret differently each time, and shows nothing of it", () => {
    const box = unwrap(openSecretBox(newKeyPath()));
    const [one, two] = [box.seal("the secret", "LTAIone"), box.seal("the secret", "LTAIone")];
    expect(Buffer.from(one).equals(Buffer.from(two))).toBe(false);
    expect(Buffer.from(one).toString("latin1")).not.toContain("secret");
  });

  it("opens for no other owner, under no other key and with no byte changed or missing", () => {
    const box = unwrap(openSecretBox(newKeyPath()));
    const sealed = box.seal("the secret", "LTAIone");
    expect(box.open(sealed, "LTAItwo")).toMatchObject({ fault: { code: "DataDirectoryUnusable" } });
    expect(unwrap(openSecretBox(newKeyPath())).open(sealed, "LTAIone").ok).toBe(false);
    for (let index = 0; index < sealed.length; index++) {
      const changed = sealed.slice();
      changed[index]! ^= 1;
      expect(box.open(changed, "LTAIone").ok).toBe(false);
      expect(box.open(sealed.subarray(0, index), "LTAIone").ok).toBe(false);
    }
  });

  it("refuses a key file of another length", () => {
    const path = newKeyPath();
    writeFileSync(path, "short");
    expect(openSecretBox(path)).toMatchObject({ fault: { code: "DataDirectoryUnusable", value: path } });
    chmodSync(path, 0o600);
    expect(readFileSync(path, "utf8")).toBe("short");
  });
});
