/** SIGHUP: a program of a terminal stops with it, a service looks for a new certificate and goes on. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { connect } from "node:tls";

import { afterAll, describe, expect, it } from "vitest";

import { issueAuthority } from "../../src/tls/issue.ts";
import { readStatus } from "../support/administration.ts";
import { requirePeer } from "../support/peers.ts";
import { childrenOf, isAlive } from "../support/processes.ts";
import { eventually, type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const directory = temporaryDirectory("program-hang-up");
const launcher = resolve(import.meta.dirname, "../../weir");
const pollMsMax = 60_000;
let service: RunningWeir | undefined;
let terminal: ChildProcess | undefined;

afterAll(async () => {
  await service?.stop();
  if (terminal?.exitCode === null) terminal.kill("SIGKILL");
  directory.remove();
});

const certificatePath = join(directory.path, "weir.pem");
const keyPath = join(directory.path, "weir.key");

async function putCertificate(name: string): Promise<void> {
  const { certificate, key } = await issueAuthority(name, { nowMs: Date.now(), days: 10 });
  writeFileSync(certificatePath, certificate);
  writeFileSync(keyPath, key);
}

/** The common name of the certificate that the server shows. */
async function shownCertificate(endpoint: string): Promise<unknown> {
  const { hostname: host, port } = new URL(endpoint);
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return subject.CN;
}

describe("a Weir without a terminal", () => {
  it("reads its certificate anew at SIGHUP and goes on, and so do its processes", async () => {
    await putCertificate("first");
    const files = [`tls.certificate=${certificatePath}`, `tls.key=${keyPath}`];
    const weir = await startWeir({
      data: join(directory.path, "service"),
      args: files.flatMap((setting) => ["--set", setting]),
    });
    service = weir;
    expect(await shownCertificate(weir.ready.endpoint)).toBe("first");
    const before = await readStatus(weir.data);
    await putCertificate("second");
    for (const id of [...childrenOf(weir.pid), weir.pid]) process.kill(id, "SIGHUP");
    // The log's word, before anybody connects: it was the signal.
    await eventually("the certificate is read anew", pollMsMax, () =>
      weir.errors().includes("the certificate was read anew") &&
      weir.errors().includes("settings are read at the next start")
        ? true
        : undefined,
    );
    expect(await shownCertificate(weir.ready.endpoint)).toBe("second");
    writeFileSync(certificatePath, "no certificate");
    process.kill(weir.pid, "SIGHUP");
    await eventually("the refusal", pollMsMax, () =>
      weir.errors().includes("the changed certificate cannot be used") ? true : undefined,
    );
    expect(await shownCertificate(weir.ready.endpoint)).toBe("second");
    const after = await readStatus(weir.data);
    expect(after.store.pid).toBe(before.store.pid);
    expect((await weir.stop()).code).toBe(0);
  });
});

describe.skipIf(!requirePeer("script"))("a Weir of a terminal", () => {
  it("stops as if it were told to when the terminal is gone", async () => {
    const data = join(directory.path, "terminal");
    const log = join(directory.path, "typed");
    const command = `exec ${launcher} serve --listen 127.0.0.1:0 --data ${data}`;
    terminal = spawn("script", ["--quiet", "--flush", "--command", command, log], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let shown = "";
    terminal.stdout!.setEncoding("utf8").on("data", (text: string) => (shown += text));
    await eventually("ready", pollMsMax * 2, () => (shown.includes("Weir is ready") ? true : undefined));
    const [main] = childrenOf(terminal.pid!);
    expect(main).toBeDefined();
    // Whoever held the other end of the terminal is gone, as a window that is closed.
    terminal.kill("SIGKILL");
    await eventually("the end", pollMsMax, () => (isAlive(main!) ? undefined : true));
    // A stop that was finished took the socket and the register of processes with it.
    expect(existsSync(join(data, "weir.sock"))).toBe(false);
  });
});
