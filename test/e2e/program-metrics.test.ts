/** What a running program serves on /metrics is what docs/reference/metrics.md lists. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { afterAll, expect, it } from "vitest";

import { startWeir, temporaryDirectory } from "../support/weir.ts";

const page = resolve(import.meta.dirname, "../../docs/reference/metrics.md");
const directory = temporaryDirectory("program-metrics");
afterAll(() => directory.remove());

it("every metric of a live program is on the page with its kind, and every one of the page is live", async () => {
  const weir = await startWeir({ data: directory.path });
  const answer = await fetch(`${weir.ready.endpoint}/metrics`);
  const text = await answer.text();
  await weir.stop();
  const listed = [...readFileSync(page, "utf8").matchAll(/^\| `(weir_\w+)` \| (\w+) \|/gmu)];
  const live = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gmu)];
  const names = (found: RegExpExecArray[]): string[] =>
    found.map(([, name, kind]) => `${name} ${kind}`).toSorted();
  expect(live.length).toBeGreaterThan(20);
  expect(names(live)).toEqual(names(listed));
  // A sample without its own TYPE line would hide from the comparison.
  const typed = new Set<string | undefined>(live.map(([, name]) => name));
  const samples = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  expect(samples.map((line) => /^\w+/u.exec(line)?.[0]).filter((name) => !typed.has(name))).toEqual([]);
});
