import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { silentLogger } from "../../src/observe/mod.ts";
import { createLocalAuthority, type LocalAuthority } from "../../src/tls/local-authority.ts";
import { requirePeer } from "../support/peers.ts";

const names = ["localhost", "weir.test", "*.weir.test", "127.0.0.1", "::1"];
const dayMs = 86_400_000;
const directories: string[] = [];
afterEach(() => {
  for (const path of directories.splice(0)) rmSync(path, { recursive: true, force: true });
});

function newDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "weir-tls-"));
  directories.push(path);
  return join(path, "tls");
}

interface Opened {
  readonly local: LocalAuthority;
  readonly clock: { nowMs: () => number; monotonicMs: () => number; aheadMs: number };
  wanted: readonly string[];
}

function open(directory: string, aheadMs = 0): Opened {
  const clock = { aheadMs, nowMs: () => Date.now() + clock.aheadMs, monotonicMs: () => clock.aheadMs };
  const opened: Opened = {
    clock,
    wanted: names,
    local: createLocalAuthority(
      { directory, commonName: "Weir CA of test", names: () => opened.wanted, narrowDomains: ["localhost"] },
      { clock, logger: silentLogger },
    ),
  };
  return opened;
}

async function server({ local }: Opened, host?: string): Promise<X509Certificate> {
  return new X509Certificate(unwrap(await local.certificateFor(host)).certificate);
}

async function authority({ local }: Opened): Promise<X509Certificate> {
  return new X509Certificate(unwrap(await local.authority()));
}

describe("the local authority", () => {
  it("makes nothing before it is asked, and then keeps it", async () => {
    const directory = newDirectory();
    const first = open(directory);
    expect(existsSync(directory)).toBe(false);
    const made = await server(first);
    expect(readdirSync(directory).sort()).toEqual(["ca.key", "ca.pem", "server.key", "server.pem"]);
    const again = open(directory);
    expect((await server(again)).fingerprint256).toBe(made.fingerprint256);
    expect((await authority(again)).fingerprint256).toBe((await authority(first)).fingerprint256);
  });

  it("keeps its keys from everybody else", async () => {
    const directory = newDirectory();
    await server(open(directory));
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    for (const name of ["ca.key", "server.key"])
      expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  it("signs for every name and address, and for no other", async () => {
    const opened = open(newDirectory());
    const certificate = await server(opened);
    for (const host of ["localhost", "weir.test", "flows.weir.test"]) {
      expect(certificate.checkHost(host), host).toBeDefined();
    }
    for (const address of ["127.0.0.1", "::1"]) expect(certificate.checkIP(address)).toBeDefined();
    for (const host of ["example.com", "a.b.weir.test"])
      expect(certificate.checkHost(host), host).toBeUndefined();
    expect(certificate.checkIP("127.0.0.2")).toBeUndefined();
    expect(certificate.ca).toBe(false);
    expect(certificate.verify((await authority(opened)).publicKey)).toBe(true);
    expect((await authority(opened)).ca).toBe(true);
  });

  it("has certificates of their own for hosts under a domain of one label", async () => {
    const opened = open(newDirectory());
    const flows = await server(opened, "Flows.localhost");
    expect(flows.checkHost("flows.localhost")).toBeDefined();
    expect(flows.checkHost("other.localhost")).toBeUndefined();
    expect(flows.verify((await authority(opened)).publicKey)).toBe(true);
    expect((await server(opened, "flows.localhost")).fingerprint256).toBe(flows.fingerprint256);
    const common = (await server(opened)).fingerprint256;
    for (const host of [
      "a.b.localhost",
      "localhost",
      "example.com",
      "x.weir.test",
      "*.localhost",
      ".localhost",
    ]) {
      expect((await server(opened, host)).fingerprint256, host).toBe(common);
    }
  });

  it("signs for so many new hosts a minute, and gives the others the common certificate", async () => {
    const opened = open(newDirectory());
    const common = (await server(opened)).fingerprint256;
    const hosts = Array.from({ length: 130 }, (_, index) => `host${index}.localhost`);
    const found = await Promise.all(hosts.map(async (host) => (await server(opened, host)).fingerprint256));
    expect(found.filter((fingerprint) => fingerprint === common)).toHaveLength(10);
    expect((await server(opened, "host0.localhost")).fingerprint256).toBe(found[0]);
    opened.clock.aheadMs += 61_000;
    expect((await server(opened, "host129.localhost")).fingerprint256).not.toBe(common);
  });

  it("makes one certificate for all that ask at once", async () => {
    const opened = open(newDirectory());
    const found = await Promise.all(Array.from({ length: 8 }, () => server(opened)));
    expect(new Set(found.map(({ fingerprint256 }) => fingerprint256)).size).toBe(1);
  });

  it("signs anew when the names change, and stays who it is", async () => {
    const opened = open(newDirectory());
    const before = await server(opened);
    const signer = await authority(opened);
    opened.wanted = [...names, "192.0.2.7"];
    opened.clock.aheadMs += 120_000;
    const after = await server(opened);
    expect(after.checkIP("192.0.2.7")).toBeDefined();
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect((await authority(opened)).fingerprint256).toBe(signer.fingerprint256);
  });

  it("renews the server's certificate long before its end, and itself before its own", async () => {
    const opened = open(newDirectory());
    const first = await server(opened);
    const signer = await authority(opened);
    expect(first.validToDate.getTime() - Date.now()).toBeLessThanOrEqual(398 * dayMs);
    opened.clock.aheadMs = 200 * dayMs;
    expect((await server(opened)).fingerprint256).toBe(first.fingerprint256);
    opened.clock.aheadMs = 300 * dayMs;
    const second = await server(opened);
    expect(second.fingerprint256).not.toBe(first.fingerprint256);
    expect(second.validToDate.getTime()).toBeGreaterThan(first.validToDate.getTime());
    expect((await authority(opened)).fingerprint256).toBe(signer.fingerprint256);
    opened.clock.aheadMs = 3640 * dayMs;
    await server(opened);
    expect((await authority(opened)).fingerprint256).not.toBe(signer.fingerprint256);
  });

  it("stays who it is while the clock is decades behind", async () => {
    const directory = newDirectory();
    const first = open(directory);
    const found = [(await server(first)).fingerprint256, (await authority(first)).fingerprint256];
    const behind = open(directory, -20_000 * dayMs);
    expect([(await server(behind)).fingerprint256, (await authority(behind)).fingerprint256]).toEqual(found);
  });

  it("goes on with what it has where its directory can no longer be written", async () => {
    const directory = newDirectory();
    const opened = open(directory);
    const before = (await server(opened)).fingerprint256;
    rmSync(directory, { recursive: true });
    writeFileSync(directory, "");
    opened.clock.aheadMs += 120_000;
    expect((await server(opened)).fingerprint256).toBe(before);
  });

  it.each([
    ["a key of another certificate", "server.key"],
    ["a certificate that was cut off", "server.pem"],
  ])("makes good what a kill left behind: %s", async (_what, file) => {
    const directory = newDirectory();
    const signer = await authority(open(directory));
    const other = newDirectory();
    await server(open(other));
    const text = readFileSync(join(other, file), "utf8");
    writeFileSync(join(directory, file), file.endsWith(".pem") ? text.slice(0, 100) : text);
    const opened = open(directory);
    const { key, certificate } = unwrap(await opened.local.certificateFor(undefined));
    expect(readFileSync(join(directory, "server.key"), "utf8")).toBe(key);
    expect(new X509Certificate(certificate).verify(signer.publicKey)).toBe(true);
  });

  it("says so where it can write nothing, and tries again", async () => {
    const file = newDirectory();
    writeFileSync(file, "");
    const opened = open(file);
    const refused = { fault: { code: "DataDirectoryUnusable" } };
    expect(await opened.local.certificateFor(undefined)).toMatchObject(refused);
    rmSync(file);
    expect(await opened.local.certificateFor(undefined)).toMatchObject(refused);
    opened.clock.aheadMs += 10_000;
    expect(await opened.local.certificateFor(undefined)).toMatchObject({ ok: true });
  });

  it.skipIf(!requirePeer("openssl"))(
    "is what OpenSSL calls an authority, and its certificate a server's",
    async () => {
      const directory = newDirectory();
      await server(open(directory));
      const ca = join(directory, "ca.pem");
      const verify = (...args: string[]) =>
        execFileSync("openssl", ["verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", ca, ...args], {
          encoding: "utf8",
          stdio: "pipe",
        });
      const leaf = join(directory, "server.pem");
      expect(verify("-verify_hostname", "flows.weir.test", leaf)).toContain("OK");
      expect(verify("-verify_ip", "127.0.0.1", leaf)).toContain("OK");
      expect(() => verify("-verify_hostname", "example.com", leaf)).toThrow(/[Hh]ostname mismatch/u);
    },
  );
});
