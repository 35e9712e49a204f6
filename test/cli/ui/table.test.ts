import { styleText } from "node:util";

import { describe, expect, it } from "vitest";

import { createProgress, formatBar } from "../../../src/cli/ui/progress.ts";
import { formatCount, formatOctets, formatPairs, formatTable } from "../../../src/cli/ui/table.ts";

describe("formatTable()", () => {
  it("aligns columns by their widest cell and numbers to the right", () => {
    const text = formatTable(
      [{ title: "ID" }, { title: "PACKETS", align: "right" }],
      [
        ["fl-1", "7"],
        ["fl-22", "12345678"],
      ],
    );
    expect(text).toBe("ID      PACKETS\nfl-1          7\nfl-22  12345678\n");
  });

  it("prints the titles alone when there are no rows", () => {
    expect(formatTable([{ title: "ID" }], [])).toBe("ID\n");
  });

  it("measures styled cells by what is seen", () => {
    const styled = styleText("red", "ab", { validateStream: false });
    expect(formatTable([{ title: "A" }, { title: "B" }], [[styled, "x"]])).toBe(`A   B\n${styled}  x\n`);
  });

  it("lets no cell forge a line or move the cursor", () => {
    expect(formatTable([{ title: "A" }], [["a\nb\u001b[2Jc\r"]])).toBe("A\na\u{fffd}b\u{fffd}[2Jc\u{fffd}\n");
  });

  it("cuts a cell that is longer than its column allows", () => {
    expect(formatTable([{ title: "A", widthMax: 4 }], [["abcdefgh"]])).toBe("A\nabc…\n");
  });
});

describe("formatPairs()", () => {
  it("aligns the values", () => {
    expect(
      formatPairs([
        ["a", "1"],
        ["long", "2"],
      ]),
    ).toBe("a     1\nlong  2\n");
  });
});

describe("numbers", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1,000"],
    [1_234_567, "1,234,567"],
  ])("formatCount(%d) is %s", (value, text) => expect(formatCount(value)).toBe(text));

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [5_368_709_120, "5.0 GiB"],
  ])("formatOctets(%d) is %s", (value, text) => expect(formatOctets(value)).toBe(text));
});

describe("createProgress()", () => {
  it("writes nothing where the stream is not a terminal", () => {
    const written: string[] = [];
    const progress = createProgress({ write: (text) => written.push(text) });
    progress.show("half", 0.5);
    progress.clear();
    expect(written).toEqual([]);
  });

  it("draws a bar on a terminal and clears it", () => {
    const written: string[] = [];
    const progress = createProgress({ isTTY: true, columns: 80, write: (text) => written.push(text) });
    progress.show("half", 0.5);
    progress.show("too soon", 0.6);
    progress.clear();
    expect(written).toEqual([`\r\u001b[K${formatBar(0.5)} half`, "\r\u001b[K"]);
    expect(formatBar(0.5)).toBe("[############------------]  50 %");
  });
});
