import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { sessionBounds } from "../../../src/control/mod.ts";
import { stsErrors } from "../../../src/gateway/dialect/sts/mod.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/sts-api.md"), "utf8");

describe("the reference page of the STS API", () => {
  it("lists every error code with its HTTP status", () => {
    const listed = page
      .split("\n")
      .filter((line) => line.startsWith("| "))
      .flatMap((row) => {
        const [, codes = "", status = ""] = row.split("|").map((cell) => cell.trim());
        return codes.split(", ").map((code) => `${code} ${status}`);
      });
    expect(listed).toEqual(
      expect.arrayContaining(Object.entries(stsErrors).map(([code, [status]]) => `${code} ${status}`)),
    );
  });

  it("has the bounds of the code", () => {
    const { min, default: usual, max } = sessionBounds;
    expect(page).toContain(`${min} to the role's longest session, which is ${usual} to ${max} | ${usual}`);
  });
});
