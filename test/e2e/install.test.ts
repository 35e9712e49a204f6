/** The launcher on a machine that has never seen Weir: a fresh checkout, an empty HOME, two starts at once. */
import { spawn } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  lstatSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

const source = resolve(import.meta.dirname, "../..");
const isRoot = process.getuid?.() === 0;
/** A user without an entry in passwd and without a home: the hardest owner to install for. */
const ownerId = 54_321;

let directory: string;
let checkout: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-install-"));
  chmodSync(directory, 0o755);
  checkout = join(directory, "weir");
  mkdirSync(checkout);
  mkdirSync(join(directory, "home"));
  for (const name of ["weir", "tools", "src", "package.json", "package-lock.json"]) {
    cpSync(join(source, name), join(checkout, name), { recursive: true });
  }
  if (isRoot) for (const path of everyPath(checkout)) lchownSync(path, ownerId, ownerId);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function everyPath(root: string): string[] {
  const below = readdirSync(root, { recursive: true, encoding: "utf8" });
  return [root, ...below.map((name) => join(root, name))];
}

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

function launch(args: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Ran> {
  return new Promise((done) => {
    const child = spawn(join(checkout, "weir"), args, {
      cwd: "/",
      env: { ...process.env, HOME: join(directory, "home"), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let out = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
    child.once("close", (code) => done({ code, out, errors }));
  });
}

/** A folder of the system's programs that the launcher uses, without Node.js and npm. */
function pathWithoutNode(): string {
  const tools = mkdtempSync(join(directory, "bin-"));
  chmodSync(tools, 0o755);
  const names = ["sh", "cmp", "uname", "dirname", "stat", "id", "getconf", "getent"];
  for (const name of [...names, "cut", "flock", "setpriv", "env"]) {
    const found = ["/usr/bin", "/bin", "/usr/sbin"]
      .map((folder) => join(folder, name))
      .find((path) => existsSync(path));
    if (found !== undefined) symlinkSync(found, join(tools, name));
  }
  return tools;
}

describe("the launcher in a fresh checkout", () => {
  it("installs once, though started twice at the same time, and both run", { timeout: 600_000 }, async () => {
    // A registry that is slow to answer is no fault of the launcher's.
    const patient = { npm_config_fetch_retries: "5" };
    const both = await Promise.all([launch(["--version"], patient), launch(["--version"], patient)]);
    for (const { code, out, errors } of both) {
      expect({ code, errors }).toMatchObject({ code: 0 });
      expect(out).toMatch(/Node\.js v26\./u);
    }
    const said = both.map(({ errors }) => errors).join("");
    expect(said.match(/weir: installed in/gu)).toHaveLength(1);
    expect(said.match(/another launcher is installing; waiting for it/gu)).toHaveLength(1);
    expect(existsSync(join(checkout, ".cache"))).toBe(false);
  });

  it("starts at once when all is there, without what installs, and says nothing more", async () => {
    const { code, errors } = await launch(["--version"], { PATH: pathWithoutNode() });
    expect({ code, errors }).toEqual({ code: 0, errors: "" });
  });

  it.skipIf(!isRoot)("leaves no file of root's in a checkout that is another user's", () => {
    const foreign = everyPath(checkout).filter((path) => lstatSync(path).uid !== ownerId);
    expect(foreign).toEqual([]);
  });

  it("says what is missing when the lock has changed and npm is not there, and breaks nothing", async () => {
    appendFileSync(join(checkout, "package-lock.json"), "\n");
    const { code, errors } = await launch(["--version"], { PATH: pathWithoutNode() });
    expect(code).toBe(1);
    expect(errors).toContain("weir: node is not on the PATH; it is needed once, to install.");
    expect(errors).toContain("https://nodejs.org/en/download");
    expect(existsSync(join(checkout, "node_modules/fastify/package.json"))).toBe(true);
  });
});
