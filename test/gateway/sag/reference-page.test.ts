import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { faultCodes, fault } from "../../../src/base/mod.ts";
import { flowLogBounds, flowLogSupports } from "../../../src/control/mod.ts";
import { commonError, commonErrors } from "../../../src/gateway/dialect/rpc/mod.ts";
import { sagErrors } from "../../../src/gateway/dialect/sag/mod.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/sag-api.md"), "utf8");

describe("the reference page of the SAG API", () => {
  it("lists every error code with its HTTP status", () => {
    const common = [
      ...faultCodes.map((code) => commonError(fault(code, ""))),
      ...Object.values(commonErrors).map((error) => (typeof error === "function" ? error("X") : error)),
    ];
    const expected = [
      ...Object.entries(sagErrors).map(([code, [status]]) => ({ code, status })),
      ...common.map(({ code, status }) => ({ code, status })),
    ];
    const rows = page.split("\n").filter((line) => line.startsWith("| "));
    const listed = rows.flatMap((row) => {
      const [, codes = "", status = ""] = row.split("|").map((cell) => cell.trim());
      return codes.split(", ").map((code) => `${code} ${status}`);
    });
    expect(expected.filter(({ code, status }) => !listed.includes(`${code} ${status}`))).toEqual([]);
  });

  it("has the bounds of the code", () => {
    const { activeTimeoutS, inactiveTimeoutS, netflowPort, nameLengthMax, descriptionLengthMax } =
      flowLogBounds;
    expect(page).toContain(
      `${activeTimeoutS.min} to ${activeTimeoutS.max} seconds | ${activeTimeoutS.default}`,
    );
    expect(page).toContain(
      `${inactiveTimeoutS.min} to ${inactiveTimeoutS.max} seconds | ${inactiveTimeoutS.default}`,
    );
    expect(page).toContain(`${netflowPort.min} to ${netflowPort.max} | ${netflowPort.default}`);
    expect(page).toContain(`up to ${nameLengthMax} characters`);
    expect(page).toContain(`up to ${descriptionLengthMax.toLocaleString("en-US")} characters`);
    for (const support of flowLogSupports.filter((name) => name !== "full")) {
      expect(page).toContain(`flowLogSupport: ${support}`);
    }
  });
});
