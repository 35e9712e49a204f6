import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";
import { createCertificateFile } from "../../src/tls/certificate-file.ts";
import { issueAuthority } from "../../src/tls/issue.ts";
import type { ServerCertificate } from "../../src/tls/server-certificate.ts";

const directory = mkdtempSync(join(tmpdir(), "weir-certificate-"));
const certificatePath = join(directory, "weir.pem");
const keyPath = join(directory, "weir.key");
const clock = { nowMs: () => 0, monotonicMs: () => clock.ms, ms: 0 };
let first: ServerCertificate;
let second: ServerCertificate;

beforeAll(async () => {
  const validity = { nowMs: Date.now(), days: 10 };
  [first, second] = await Promise.all([
    issueAuthority("first", validity),
    issueAuthority("second", validity),
  ]);
});
afterAll(() => rmSync(directory, { recursive: true }));

function put({ certificate, key }: ServerCertificate): void {
  writeFileSync(certificatePath, certificate);
  writeFileSync(keyPath, key);
}

function open() {
  return createCertificateFile({ certificatePath, keyPath }, { clock, logger: silentLogger });
}

describe("the user's certificate", () => {
  it("is refused while a file is missing, is none, or belongs to another key", () => {
    rmSync(certificatePath, { force: true });
    expect(open().current()).toMatchObject({ fault: { code: "ConfigInvalid", field: "tls.certificate" } });
    put({ ...first, certificate: "no certificate" });
    expect(open().current()).toMatchObject({ fault: { code: "ConfigInvalid" } });
    put({ ...first, key: second.key });
    expect(open().current()).toMatchObject({
      fault: { message: expect.stringContaining("is not the certificate's") },
    });
  });

  it("is the same object until its files change, and then the new one", () => {
    put(first);
    const file = open();
    const found = unwrap(file.current());
    expect(found).toEqual(first);
    clock.ms += 5000;
    expect(unwrap(file.current())).toBe(found);
    put(second);
    clock.ms += 5000;
    expect(unwrap(file.current())).toEqual(second);
    put(first);
    expect(unwrap(file.current())).toEqual(second);
    expect(unwrap(file.reload())).toEqual(first);
    put({ ...second, key: first.key });
    expect(unwrap(file.reload())).toEqual(first);
  });

  it("stays in use while its files are being replaced, or were by what is none", () => {
    put(first);
    const file = open();
    unwrap(file.current());
    writeFileSync(certificatePath, second.certificate);
    clock.ms += 5000;
    expect(unwrap(file.current())).toEqual(first);
    rmSync(keyPath);
    clock.ms += 5000;
    expect(unwrap(file.current())).toEqual(first);
    writeFileSync(keyPath, second.key);
    clock.ms += 5000;
    expect(unwrap(file.current()).certificate).toBe(readFileSync(certificatePath, "utf8"));
  });
});
