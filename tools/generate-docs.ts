/** Writes the reference pages that are generated from the code. `--check` writes nothing and fails if one is out of date. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { generatePages } from "./docs/mod.ts";

const directory = resolve(import.meta.dirname, "../docs/reference");
const isCheck = process.argv.includes("--check");
const stale: string[] = [];

mkdirSync(directory, { recursive: true });
for (const [name, text] of generatePages()) {
  const path = join(directory, name);
  if (readPage(path) === text) continue;
  stale.push(name);
  if (!isCheck) writeFileSync(path, text);
}
if (stale.length === 0) process.stdout.write("the reference pages are up to date\n");
else {
  process.stdout.write(`${isCheck ? "out of date" : "written"}: ${stale.join(", ")}\n`);
  process.exitCode = isCheck ? 1 : 0;
}

function readPage(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
