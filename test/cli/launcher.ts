/** The command line as a user has it: the launcher, as a process. */
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { resolve } from "node:path";

import { vi } from "vitest";

// Each command is a process, and some tests have a dozen.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

/** The launcher of this checkout. */
export const launcher = resolve(import.meta.dirname, "../../weir");

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

/** Runs `./weir` to its end. */
export function weir(...args: readonly string[]): Promise<Ran> {
  return runLauncher(launcher, args);
}

/** Likewise by another path to it, from another directory. */
export function runLauncher(path: string, args: readonly string[], cwd = tmpdir()): Promise<Ran> {
  return new Promise((done) => {
    execFile(path, args, { cwd, env: { ...process.env, NO_COLOR: "1" } }, (error, out, errors) => {
      done({ code: Number(error?.code ?? 0), out, errors });
    });
  });
}
