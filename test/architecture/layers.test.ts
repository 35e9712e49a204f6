import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";

/**
 * Who may import whom. A room may import the rooms named here, and only by their door, mod.ts.
 * Rooms inside a room (wire/packet) are doors of their own.
 */
const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  libc: ["base"],
  observe: ["base"],
  process: ["base", "libc", "observe"],
  database: ["base"],
  tls: ["base", "observe"],
  flow: ["base"],
  wire: ["base", "flow"],
  meter: ["base", "flow", "wire"],
  spool: ["base", "observe", "database", "flow"],
  store: ["base", "observe", "process", "flow"],
  query: ["base", "observe", "flow", "store"],
  control: ["base", "observe", "database", "flow"],
  sink: ["base", "libc", "observe", "flow", "wire", "spool", "store"],
  capture: ["base", "libc", "observe", "process", "flow", "wire", "meter"],
  gateway: ["base", "observe", "database", "flow", "control", "query"],
  app: [
    "base",
    "observe",
    "process",
    "database",
    "flow",
    "wire",
    "meter",
    "spool",
    "store",
    "query",
    "control",
    "sink",
    "capture",
    "gateway",
    "tls",
  ],
  cli: ["base", "observe", "flow", "wire", "meter", "sink", "capture", "app"],
  "main.js": ["cli"],
};

const pureRooms = ["flow", "wire"];
const sourceRoot = resolve(import.meta.dirname, "../../src");

interface Import {
  readonly from: string;
  readonly to: string;
}

function importsOf(file: string): Import[] {
  const { module } = parseSync(file, readFileSync(file, "utf8"));
  return [
    ...module.staticImports.map((found) => found.moduleRequest.value),
    ...module.staticExports.flatMap((found) =>
      found.entries.flatMap((entry) => entry.moduleRequest?.value ?? []),
    ),
    ...[...readFileSync(file, "utf8").matchAll(/\bimport\(\s*["'`]([^"'`]+)["'`]\s*\)/gu)].map(
      (match) => match[1]!,
    ),
  ].map((to) => ({ from: relative(sourceRoot, file), to }));
}

function roomOf(path: string): string {
  return path.split("/")[0]!;
}

const files = readdirSync(sourceRoot, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.[jt]s$/u.test(name))
  .map((name) => join(sourceRoot, name));
const imports = files.flatMap(importsOf);

describe("the rooms of src/", () => {
  it("are all in the import table", () => {
    const rooms = new Set(files.map((file) => roomOf(relative(sourceRoot, file))));
    expect([...rooms].filter((room) => !(room in layers))).toEqual([]);
  });

  it("import only the rooms below them", () => {
    const broken = imports.filter(({ from, to }) => {
      if (!to.startsWith(".")) return false;
      const target = roomOf(relative(sourceRoot, resolve(sourceRoot, dirname(from), to)));
      return target !== roomOf(from) && !layers[roomOf(from)]?.includes(target);
    });
    expect(broken).toEqual([]);
  });

  it("import other rooms by their door", () => {
    const broken = imports.filter(({ from, to }) => {
      if (!to.startsWith(".")) return false;
      const target = relative(sourceRoot, resolve(sourceRoot, dirname(from), to));
      return roomOf(target) !== roomOf(from) && !target.endsWith("/mod.ts");
    });
    expect(broken).toEqual([]);
  });

  it("keep flow/ and wire/ free of node: modules", () => {
    const broken = imports.filter(
      ({ from, to }) => pureRooms.includes(roomOf(from)) && to.startsWith("node:"),
    );
    expect(broken).toEqual([]);
  });
});
