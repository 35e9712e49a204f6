import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { describe, expect, it } from "vitest";

import { generatePages } from "../../tools/docs/mod.ts";

const directory = resolve(import.meta.dirname, "../../docs/reference");

describe("docs/reference", () => {
  it.each([...generatePages()])("%s is what the code says; if not: npm run docs", (name, text) => {
    expect(readFileSync(resolve(directory, name), "utf8")).toBe(text);
  });
});
