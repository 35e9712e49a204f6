import { readFileSync } from "node:fs";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { unpackSnappy } from "../../../src/gateway/dialect/lts/snappy.ts";

const packed = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, `../../vectors/snappy/${name}.snappy`));
const bytesMax = 1_000_000;
const unpacked = (bytes: Uint8Array): string => unwrap(unpackSnappy(bytes, bytesMax)).toString();
const outcome = (bytes: Uint8Array, most = bytesMax): string => {
  const result = unpackSnappy(bytes, most);
  return result.ok ? "ok" : result.fault.code;
};

const word = (index: number): string => (Math.imul(index, 2_654_435_761) >>> 0).toString(36);
const words = Array.from({ length: 3000 }, (_, index) => word(index)).join(" ");

describe("what snappy packed", () => {
  it("is unpacked as it was", () => {
    expect(unpacked(packed("one"))).toBe(
      '{"log_time_ns":"1586850540000000000","contents":["packed by snappy"],"labels":{}}',
    );
    const contents = Array.from({ length: 400 }, (_, index) => ({
      log_time_ns: "1586850540000000000",
      log: `line ${index} of a report that was packed by snappy, ${word(index)}`,
    }));
    expect(JSON.parse(unpacked(packed("report")))).toEqual({ contents, labels: { user_tag: "packed" } });
    const long = "a".repeat(200_000) + words + words.slice(0, 5000) + "b".repeat(70_000);
    expect(unpacked(packed("long")) === long).toBe(true);
  });

  it.each([
    ["nothing", [0], ""],
    ["a literal and a copy of 1 byte and 3 bits", [8, 0x0c, 97, 98, 99, 100, 0x01, 4], "abcdabcd"],
    ["a copy of 2 bytes that repeats what it writes", [6, 0x00, 97, 0x12, 1, 0], "aaaaaa"],
    ["a copy of 4 bytes", [4, 0x04, 97, 98, 0x07, 2, 0, 0, 0], "abab"],
    ["a literal whose length takes a byte", [3, 0xf0, 2, 97, 98, 99], "abc"],
    ["a literal whose length takes 4 bytes", [3, 0xfc, 2, 0, 0, 0, 97, 98, 99], "abc"],
  ])("can hold %s, as the format's description says", (_what, bytes, text) => {
    expect(unpacked(Uint8Array.from(bytes))).toBe(text);
  });

  it.each([
    ["no length", []],
    ["a length without an end", [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
    ["less than its length", [2, 0x00, 97]],
    ["more than its length", [1, 0x04, 97, 98]],
    ["a copy from before the beginning", [5, 0x00, 97, 0x01, 2]],
    ["a copy from nowhere", [5, 0x00, 97, 0x01, 0]],
  ])("is refused with %s", (_what, bytes) => {
    expect(outcome(Uint8Array.from(bytes))).toBe("Malformed");
  });

  it("is refused at its length where that is too much, before it is unpacked", () => {
    expect(outcome(packed("report"), 40_521)).toBe("InputTooLarge");
    expect(outcome(packed("report"), 40_522)).toBe("ok");
    expect(outcome(Uint8Array.from([0xff, 0xff, 0xff, 0xff, 0x7f]))).toBe("InputTooLarge");
  });

  it("is refused at every truncation", () => {
    const whole = packed("report");
    for (let end = 0; end < whole.length; end++) expect(outcome(whole.subarray(0, end))).toBe("Malformed");
  });

  it("is a value or a fault, whatever the bytes are", () => {
    const whole = packed("report");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        ["ok", "Malformed", "InputTooLarge"].includes(outcome(bytes)),
      ),
    );
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
        const changed = Buffer.from(whole);
        changed[at] = byte;
        return ["ok", "Malformed", "InputTooLarge"].includes(outcome(changed));
      }),
    );
  });
});
