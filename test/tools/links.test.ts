import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { describe, expect, it } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const pages = [
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];

/** Targets of links and pictures that lead to files of this repository. */
function targetsOf(page: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/gu)]
    .map((match) => match[1]!)
    .filter((target) => !/^[a-z]+:/u.test(target));
}

describe("documentation", () => {
  it.each(pages)("every link of %s leads somewhere", (page) => {
    const broken = targetsOf(page).filter((target) => !existsSync(join(root, dirname(page), target)));
    expect(broken).toEqual([]);
  });

  it("README names every how-to page", () => {
    const named = targetsOf("README.md");
    const guides = pages.filter((page) => page.startsWith("docs/how-to/"));
    expect(guides.filter((page) => !named.includes(page))).toEqual([]);
  });
});
