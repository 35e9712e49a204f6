/** Folders of a test file, which are gone when all its tests have ended. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll } from "vitest";

const made: string[] = [];

afterAll(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

export function scratchFolder(name: string): string {
  const path = mkdtempSync(join(tmpdir(), `weir-${name}-`));
  made.push(path);
  return path;
}
