/** https of the real program, by the programs and SDKs that its users have. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type PeerCertificate } from "node:tls";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { issueAuthority, issueServer, newKey } from "../../src/tls/issue.ts";
import { requirePeer } from "../support/peers.ts";
import { eventually, runWeir, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const run = promisify(execFile);
const root = resolve(import.meta.dirname, "../..");
const scratch = temporaryDirectory("tls");
const ca = join(scratch.path, "ca.pem");
let weir: RunningWeir;
let port: number;

beforeAll(async () => {
  weir = await startWeir({ data: join(scratch.path, "data"), environment: { WEIR_LOG_LEVEL: "warn" } });
  port = Number(new URL(weir.ready.endpoint).port);
  const { output } = await runWeir(["tls", "export", "--ca", "--data", weir.data]);
  writeFileSync(ca, output);
});
afterAll(async () => {
  await weir.stop();
  scratch.remove();
});

/** Runs a program of the vendor's SDK, which finds its packages in this checkout, with the authority trusted. */
async function sdk(source: string): Promise<unknown> {
  const { accessKeyId, accessKeySecret = "" } = weir.ready;
  const preamble = `
    const dns = require("node:dns"), { lookup } = dns;
    dns.lookup = (name, ...rest) => lookup(name.endsWith(".localhost") ? "127.0.0.1" : name, ...rest);
    const port = ${port}, accessKeyId = ${JSON.stringify(accessKeyId)}, accessKeySecret = ${JSON.stringify(accessKeySecret)};
    const done = (value) => process.stdout.write(JSON.stringify(value));`;
  const { stdout } = await run(process.execPath, ["--input-type=commonjs", "-e", preamble + source], {
    cwd: root,
    env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
    timeout: 60_000,
  });
  return JSON.parse(stdout);
}

async function certificateOf(address: number): Promise<PeerCertificate> {
  const socket = connect({ port: address, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerCertificate();
  socket.destroy();
  return certificate;
}

describe("https of a running Weir", () => {
  it.skipIf(!requirePeer("curl"))(
    "is on the port of http, and curl trusts the authority that is exported",
    async () => {
      expect(readFileSync(ca, "utf8")).toMatch(/^-----BEGIN CERTIFICATE-----/u);
      for (const host of ["localhost", "127.0.0.1"]) {
        const { stdout } = await run("curl", ["-sS", "--cacert", ca, `https://${host}:${port}/healthz`]);
        expect(stdout).toBe("ok\n");
      }
      const { stdout } = await run("curl", ["-sS", `http://127.0.0.1:${port}/healthz`]);
      expect(stdout).toBe("ok\n");
      await expect(run("curl", ["-sS", `https://localhost:${port}/healthz`])).rejects.toThrow(/certificate/u);
    },
  );

  it.skipIf(!requirePeer("openssl"))("shows OpenSSL a chain that verifies for a project's host", async () => {
    const host = "flows.localhost";
    const call = run(
      "openssl",
      [
        "s_client",
        "-connect",
        `127.0.0.1:${port}`,
        "-servername",
        host,
        "-verify_hostname",
        host,
        "-CAfile",
        ca,
      ],
      { timeout: 60_000 },
    );
    call.child.stdin?.end();
    expect((await call).stdout).toContain("Verify return code: 0 (ok)");
  });

  it("serves Alibaba's SDKs, which are told of the authority by NODE_EXTRA_CA_CERTS", async () => {
    const regions = await sdk(`
      const Core = require("@alicloud/pop-core");
      new Core({ accessKeyId, accessKeySecret, endpoint: "https://localhost:" + port, apiVersion: "2018-03-13" })
        .request("DescribeRegions", {}, { method: "POST" }).then(({ Regions }) => done(Regions.Region.length));`);
    expect(regions).toBeGreaterThan(5);
    const identity = await sdk(`
      const { default: Sts } = require("@alicloud/sts20150401");
      const { $OpenApiUtil } = require("@alicloud/openapi-core");
      const config = new $OpenApiUtil.Config({ accessKeyId, accessKeySecret, endpoint: "localhost:" + port, protocol: "https" });
      new Sts(config).getCallerIdentity().then(({ body }) => done(body.identityType));`);
    expect(identity).toBe("Account");
  });

  it("serves @alicloud/log, which dials the project's host", async () => {
    const listed = await sdk(`
      const Client = require("@alicloud/log");
      const client = new Client({ accessKeyId, accessKeySecret, endpoint: "https://localhost:" + port });
      client.createProject("over-tls", { description: "by https" })
        .then(() => client.createLogStore("over-tls", "records", { ttl: 7, shardCount: 1 }))
        .then(() => client.listLogStore("over-tls"))
        .then(({ logstores }) => done(logstores));`);
    expect(listed).toEqual(["records"]);
  });

  it("serves what Terraform asks of a log project and its logstore, by the SDK of the same API", async () => {
    const asked = await sdk(`
      const { default: Sls, CreateProjectRequest, CreateLogStoreRequest, ListTagResourcesRequest } = require("@alicloud/sls20201230");
      const { $OpenApiUtil } = require("@alicloud/openapi-core");
      const endpoint = "localhost:" + port;
      const sls = new Sls(new $OpenApiUtil.Config({ accessKeyId, accessKeySecret, endpoint, protocol: "https", regionId: "cn-shanghai" }));
      async function main() {
        await sls.createProject(new CreateProjectRequest({ projectName: "terraformed", description: "d" }));
        const store = { logstoreName: "flows", ttl: 30, shardCount: 2, maxSplitShard: 0 };
        await sls.createLogStore("terraformed", new CreateLogStoreRequest(store));
        const tags = new ListTagResourcesRequest({ resourceType: "PROJECT", resourceId: ["terraformed"] });
        return {
          status: (await sls.getProject("terraformed")).body.status,
          policy: (await sls.getProjectPolicy("terraformed")).body,
          tags: (await sls.listTagResources(tags)).body.tagResources,
          maxSplitShard: (await sls.getLogStore("terraformed", "flows")).body.maxSplitShard,
          metering: (await sls.getLogStoreMeteringMode("terraformed", "flows")).body.meteringMode,
        };
      }
      main().then(done);`);
    expect(asked).toEqual({
      status: "Normal",
      policy: "",
      tags: [],
      maxSplitShard: 0,
      metering: "ChargeByFunction",
    });
  });

  it("tells of its certificate", async () => {
    const { output, code } = await runWeir(["tls", "show", "--json", "--data", weir.data]);
    expect(code).toBe(0);
    const shown = JSON.parse(output) as { names: string[]; source: string; fingerprint: string };
    expect(shown.source).toBe("local authority");
    expect(shown.names).toEqual(expect.arrayContaining(["localhost", "*.localhost", "127.0.0.1"]));
    expect((await certificateOf(port)).fingerprint256).toBe(shown.fingerprint);
  });
});

describe("https with the user's certificate", () => {
  const directory = join(scratch.path, "own");
  const paths = { certificate: join(directory, "weir.pem"), key: join(directory, "weir.key") };
  const put = async (commonName: string): Promise<void> => {
    const validity = { nowMs: Date.now(), days: 10 };
    const authority = await issueAuthority("own authority", validity);
    const server = await issueServer(authority, { key: newKey(), names: [commonName] }, validity);
    mkdirSync(directory, { recursive: true });
    writeFileSync(paths.certificate, server.certificate + authority.certificate);
    writeFileSync(paths.key, server.key);
  };
  const args = ["--set", `tls.certificate=${paths.certificate}`, "--set", `tls.key=${paths.key}`];

  it("shows it, and the one that takes its place, without a restart; and can refuse http", async () => {
    await put("first.test");
    const own = await startWeir({
      data: join(scratch.path, "own-data"),
      args: [...args, "--set", "tls.plainHttp=false"],
      environment: { WEIR_LOG_LEVEL: "warn" },
    });
    try {
      expect(own.ready.endpoint).toMatch(/^https:\/\//u);
      const address = Number(new URL(own.ready.endpoint).port);
      expect((await certificateOf(address)).subjectaltname).toBe("DNS:first.test");
      await put("second.test");
      await eventually("the new certificate", 90_000, async () =>
        (await certificateOf(address)).subjectaltname === "DNS:second.test" ? true : undefined,
      );
      expect((await fetch(`http://127.0.0.1:${address}/healthz`)).status).toBe(400);
    } finally {
      await own.stop();
    }
  });

  it("is refused at the start where it cannot be read", async () => {
    const missing = ["--set", "tls.certificate=/nonexistent.pem", "--set", "tls.key=/nonexistent.key"];
    const data = join(scratch.path, "refused-data");
    const { code, errors } = await runWeir(["serve", "--listen", "127.0.0.1:0", "--data", data, ...missing]);
    expect(code).toBe(1);
    expect(errors).toContain("tls.certificate");
  });
});
