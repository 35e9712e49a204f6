/**
 * Which child processes a Weir has, in a file of its data directory, so that the next Weir there can end those
 * that outlived a parent that was killed: where the kernel does not do that by itself, or for a program that
 * cannot ask it to.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";

import { toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";

export interface ChildRegister {
  /** Writes a child down that was just started; `name` is for the log. */
  add(name: string, processId: number): void;
  /** The child has ended. */
  remove(processId: number): void;
}

/** A process as no other since the host's start: numbers are used again, but not from the same moment on. */
interface Child {
  readonly name: string;
  readonly processId: number;
  /** In clock ticks since the host's start. */
  readonly startedTicks: number;
}

interface RegisterFile {
  readonly bootId: string;
  readonly children: readonly Child[];
}

/**
 * Opens the register and kills what it names that is still alive. The caller must hold the data directory's
 * lock: whoever wrote the register is gone then, and its children are nobody's.
 */
export function openChildRegister(path: string, { logger }: { readonly logger: Logger }): ChildRegister {
  const bootId = readText("/proc/sys/kernel/random/boot_id").trim();
  endOrphans(readRegister(path, logger), bootId, logger);
  const children = new Map<number, Child>();
  const save = (): void => {
    try {
      const file: RegisterFile = { bootId, children: [...children.values()] };
      // A kill may come at any moment: the file is the one before or this one.
      writeFileSync(`${path}.new`, JSON.stringify(file), { mode: 0o600 });
      renameSync(`${path}.new`, path);
    } catch (error) {
      logger.warn({ fault: toFault(error) }, "child processes cannot be written down");
    }
  };
  save();
  return {
    add(name, processId) {
      const startedTicks = startedTicksOf(processId);
      if (startedTicks === undefined) return;
      children.set(processId, { name, processId, startedTicks });
      save();
    },
    remove(processId) {
      if (children.delete(processId)) save();
    },
  };
}

function endOrphans({ bootId, children }: RegisterFile, currentBootId: string, logger: Logger): void {
  if (bootId !== currentBootId) return;
  for (const { name, processId, startedTicks } of children) {
    if (startedTicksOf(processId) !== startedTicks) continue;
    try {
      process.kill(processId, "SIGKILL");
      logger.warn({ name, processId }, "a process that outlived its killed parent is ended");
    } catch (error) {
      logger.warn({ name, processId, fault: toFault(error) }, "a process that outlived its parent stays");
    }
  }
}

const noRegister: RegisterFile = { bootId: "", children: [] };

/** What is no register names nobody. */
function readRegister(path: string, logger: Logger): RegisterFile {
  const text = readText(path);
  if (text === "") return noRegister;
  try {
    const { bootId, children } = JSON.parse(text) as Partial<RegisterFile>;
    if (typeof bootId === "string" && Array.isArray(children))
      return { bootId, children: children.filter(isChild) };
  } catch (error) {
    logger.warn({ path, fault: toFault(error) }, "the register of child processes is unreadable");
  }
  return noRegister;
}

function isChild(value: unknown): value is Child {
  if (typeof value !== "object" || value === null) return false;
  const { processId, startedTicks } = value as Partial<Child>;
  // 1 and less are the host's init and, for kill(2), groups of processes.
  return Number.isInteger(processId) && processId! > 1 && Number.isInteger(startedTicks);
}

const fieldStartTime = 22;
const fieldsBeforeState = 2;

/** The `starttime` of proc_pid_stat(5); undefined when there is no such process, or it has ended and is only kept for its parent. */
function startedTicksOf(processId: number): number | undefined {
  const text = readText(`/proc/${processId}/stat`);
  // The second field is the program's name in parentheses, and may hold anything.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const startedTicks = Number(fields[fieldStartTime - fieldsBeforeState - 1]);
  return fields[0] === "Z" || !Number.isInteger(startedTicks) ? undefined : startedTicks;
}

/** Empty if there is no such file. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
