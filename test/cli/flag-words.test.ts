import { describe, expect, it } from "vitest";

import { fail, ok } from "../../src/base/mod.ts";
import { inFlagWords } from "../../src/cli/flag-words.ts";

const words = { ttl: "--retention-days", query: "--where", "outputs.netflow.address": "--netflow" };

describe("inFlagWords()", () => {
  it("names the field as it was typed, in the sentence too where it stands for itself", () => {
    const ttl = fail("InputOutOfRange", "ttl 0 is not in range", { field: "ttl", value: "0" });
    expect(inFlagWords(ttl, words)).toMatchObject({
      fault: { field: "--retention-days", message: "--retention-days 0 is not in range", value: "0" },
    });
    const query = fail("QuerySyntax", "the query ends too early", { field: "query", value: "a and" });
    expect(inFlagWords(query, words)).toMatchObject({
      fault: { field: "--where", message: "the query ends too early", value: "a and" },
    });
  });

  it("says what to add where a flag is missing", () => {
    const field = "outputs.netflow.address";
    const missing = fail("InputMissing", `${field} is needed by an enabled output`, { field });
    expect(inFlagWords(missing, words)).toMatchObject({
      fault: {
        message: "--netflow is needed by an enabled output",
        remedy: "name the collector: --netflow ADDRESS:PORT",
      },
    });
  });

  it("leaves answers and refusals of no flag as they are", () => {
    const other = fail("InputInvalid", "no", { field: "constructor" });
    expect(inFlagWords(other, words)).toBe(other);
    const answer = ok(1);
    expect(inFlagWords(answer, words)).toBe(answer);
  });
});
