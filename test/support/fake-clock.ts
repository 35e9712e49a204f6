/**
 * A wall clock that jumps for one Weir alone, by libfaketime: what grows steadily goes on as it does. It is the main
 * process's, which dates, judges and lets expire. The kernel stamps packets with the real time, and so the capture
 * process has that; and so has the store's, whose engine asks the kernel past the library and would spin.
 */
import { execFileSync } from "node:child_process";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface FakeClock {
  /** For the program's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** Sets the clock ahead of the real one, or behind it; the program sees that within a second. */
  set(aheadS: number): void;
  /** The time that the program believes in. */
  nowMs(): number;
}

export function createFakeClock(folder: string): FakeClock {
  const file = join(folder, "clock");
  const script = join(folder, "clock-of-main.cjs");
  writeFileSync(script, "delete process.env.LD_PRELOAD;\n");
  const library = execFileSync("faketime", ["-m", "-f", "+0", "printenv", "LD_PRELOAD"], {
    encoding: "utf8",
  });
  let aheadMs = 0;
  const set = (aheadS: number): void => {
    aheadMs = aheadS * 1000;
    // Replaced at once: one that is empty for a moment is a clock that jumps to the real time and back.
    writeFileSync(`${file}.new`, `${aheadS < 0 ? "" : "+"}${aheadS}\n`);
    renameSync(`${file}.new`, file);
  };
  set(0);
  return {
    environment: {
      LD_PRELOAD: library.trim(),
      NODE_OPTIONS: `--require ${script}`,
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      // Times of files are the kernel's too.
      NO_FAKE_STAT: "1",
    },
    set,
    nowMs: () => Date.now() + aheadMs,
  };
}
