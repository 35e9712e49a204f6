/** The machine: processor, C library, memory, and the engine of the embedded store. */
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

import { type Check, failed, passed, warned } from "./check.ts";

const glibcMinorMin = 28;

export function checkPlatform(): Check[] {
  return [checkLibrary(), checkEngine()];
}

function checkLibrary(): Check {
  const name = "platform";
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const version = header.glibcVersionRuntime;
  const text = `${process.platform} ${process.arch}, Node.js ${process.version}, ${availableParallelism()} processors`;
  if (version === undefined) {
    return failed(
      name,
      `${text}; no GNU C library`,
      "use a Debian, Ubuntu or RHEL system or container image",
    );
  }
  if (Number(version.split(".")[1]) < glibcMinorMin) {
    return failed(name, `${text}, glibc ${version}`, `use a system with glibc 2.${glibcMinorMin} or newer`);
  }
  return passed(name, `${text}, glibc ${version}`);
}

function checkEngine(): Check {
  const name = "store engine";
  const library = new URL(`../../../node_modules/@chdb/lib-linux-${process.arch}-gnu`, import.meta.url);
  if (!existsSync(library)) {
    return failed(
      name,
      `chDB is not installed for ${process.arch}`,
      "install again with npm ci --ignore-scripts; if the registry has no chDB for this processor, use x86-64",
    );
  }
  if (process.arch === "x64" && !/^flags\s*:.*\bsse4_2\b/mu.test(readText("/proc/cpuinfo"))) {
    return failed(name, "the processor has no SSE 4.2, which chDB needs", "use a processor made after 2010");
  }
  return passed(name, "chDB is installed");
}

/** The store's cap must leave room for the rest of the machine, or of the container. */
export function checkMemory(memoryBytesMax: number): Check {
  const name = "memory";
  const limit = Number(readText("/sys/fs/cgroup/memory.max").trim());
  const total = Number.isFinite(limit) && limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  const text = `${formatGigabytes(total)}, of which the store may take ${formatGigabytes(memoryBytesMax)}`;
  if (memoryBytesMax <= total / 2) return passed(name, text);
  const advised = Math.max(256, Math.floor(total / 4 / 1024 / 1024));
  return warned(name, text, `set store.memoryBytesMax to about ${advised * 1024 * 1024}`);
}

function formatGigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}

/** The file's text, or "" where it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
