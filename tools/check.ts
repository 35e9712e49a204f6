/**
 * Every check and every test, one after another, with one summary. The last line is alone on its own:
 * `N passed, N failed, N skipped`, where each check counts as one.
 *
 * Arguments name the steps to run (`npm test -- lint unit`); none is all.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { bringPeers } from "./peers.ts";
import { type Counts, readVitestCounts } from "./vitest-counts.ts";

const root = resolve(import.meta.dirname, "..");
const scratch = mkdtempSync(join(tmpdir(), "weir-check-"));
const missingPeersFile = join(scratch, "missing-peers");

interface Step {
  readonly name: string;
  readonly purpose: string;
  readonly run: () => Counts;
}

interface Outcome extends Counts {
  readonly name: string;
  readonly elapsedMs: number;
}

const steps: readonly Step[] = [
  { name: "format", purpose: "oxfmt", run: () => check("oxfmt/bin/oxfmt", ["--check", "."]) },
  {
    name: "lint",
    purpose: "oxlint with types",
    run: () => check("oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"]),
  },
  { name: "types", purpose: "tsc", run: () => check("typescript/bin/tsc", []) },
  { name: "dead-code", purpose: "knip", run: () => check("knip/bin/knip.js", []) },
  { name: "lock", purpose: "npm ci --dry-run", run: checkLock },
  { name: "unit", purpose: "vitest", run: () => vitest("unit") },
  { name: "e2e", purpose: "vitest, one file at a time", run: () => vitest("e2e") },
];

function main(): void {
  const named = process.argv.slice(2);
  const unknown = named.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    process.stderr.write(
      `no step ${unknown.join(", ")}; there are ${steps.map(({ name }) => name).join(", ")}\n`,
    );
    process.exitCode = 2;
    return;
  }
  const chosen = steps.filter(({ name }) => named.length === 0 || named.includes(name));
  if (chosen.some(({ name }) => name === "unit" || name === "e2e")) bringPeers(process.env);
  const outcomes = chosen.map((step, index) => runStep(step, `${index + 1}/${chosen.length}`));
  const total = summarise(outcomes);
  rmSync(scratch, { recursive: true });
  process.exitCode = total.failed === 0 ? 0 : 1;
}

function runStep({ name, purpose, run }: Step, place: string): Outcome {
  process.stdout.write(`\n[${place}] ${name}: ${purpose}\n`);
  const startedMs = performance.now();
  return { name, ...run(), elapsedMs: performance.now() - startedMs };
}

function check(program: string, args: readonly string[]): Counts {
  const path = join(root, "node_modules", program);
  const { status } = spawnSync(process.execPath, [path, ...args], { cwd: root, stdio: "inherit" });
  return status === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/** npm refuses a lock that does not fit package.json, or lacks a platform's package. */
function checkLock(): Counts {
  const args = ["ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const npm = spawnSync("npm", args, { cwd: root, encoding: "utf8" });
  if (npm.status === 0) return { passed: 1, failed: 0, skipped: 0 };
  process.stdout.write(npm.error === undefined ? `${npm.stdout}${npm.stderr}` : `${npm.error.message}\n`);
  return { passed: 0, failed: 1, skipped: 0 };
}

function vitest(project: string): Counts {
  const output = join(scratch, `${project}.json`);
  const args = [join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", project];
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  const { status } = spawnSync(process.execPath, [...args, ...reporters], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, WEIR_MISSING_PEERS_FILE: missingPeersFile },
  });
  return readVitestCounts(output, status);
}

function summarise(outcomes: readonly Outcome[]): Counts {
  const total = { passed: 0, failed: 0, skipped: 0 };
  process.stdout.write("\n");
  for (const { name, passed, failed, skipped, elapsedMs } of outcomes) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    const state = failed === 0 ? "ok  " : "FAIL";
    const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
    process.stdout.write(
      `${state}  ${name.padEnd(10)} ${(elapsedMs / 1000).toFixed(1).padStart(6)} s  ${counts}\n`,
    );
  }
  for (const sentence of readMissingPeers()) process.stdout.write(`skipped because ${sentence}\n`);
  process.stdout.write(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  return total;
}

/** What the tests themselves reported missing, each once. */
function readMissingPeers(): readonly string[] {
  if (!existsSync(missingPeersFile)) return [];
  const lines = readFileSync(missingPeersFile, "utf8").trim().split("\n");
  return [...new Set(lines.map((line) => line.split("\t")[1] ?? line))];
}

main();
