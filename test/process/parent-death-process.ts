/** Either a parent that tells its child's process id, or the child, which ends with its parent. */
import { fork } from "node:child_process";

import { endWithParent } from "../../src/process/mod.ts";

export interface ParentReport {
  readonly childId: number;
}

const [role, parentId] = process.argv.slice(2);
if (role === "parent") {
  const child = fork(import.meta.filename, ["child", `${process.pid}`]);
  child.once("message", () => process.send?.({ childId: child.pid! } satisfies ParentReport));
} else {
  await endWithParent(Number(parentId));
  process.send?.("asked");
  setInterval(() => undefined, 1000);
}
