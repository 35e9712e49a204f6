import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { fault, type FaultCode, faultCodes } from "../../../src/base/mod.ts";
import type { ApigRequest, Refusal } from "../../../src/gateway/dialect/apig/mod.ts";
import { refuseVpc } from "../../../src/gateway/dialect/huawei/error.ts";
import { refuseLts } from "../../../src/gateway/dialect/lts/error.ts";

/** The rows of the page's tables that begin with a status, as `status code`. */
function listed(page: string): string[] {
  const text = readFileSync(join(import.meta.dirname, `../../../docs/reference/${page}.md`), "utf8");
  return text.split("\n").flatMap((line) => {
    const [, status = "", codes = ""] = line.split("|").map((cell) => cell.trim());
    return /^\d{3}$/u.test(status) ? codes.split(", ").map((code) => `${status} ${code}`) : [];
  });
}

const fields = [undefined, "project_id", "scope", "X-Auth-Token", "flowlog id", "retentionDays", "limit"];
const operations = [
  "ReportLogs",
  "CreateFlowLog",
  "ListFlowLogs",
  "ShowFlowLog",
  "UpdateFlowLog",
  "DeleteFlowLog",
  "ListQuotas",
];

function refusalsOf(code: FaultCode): Refusal[] {
  const request = {} as ApigRequest;
  return fields.flatMap((field) =>
    operations.map((operation) => ({
      fault: fault(code, "", field === undefined ? {} : { field }),
      operation,
      request,
    })),
  );
}

describe("the reference pages of the Huawei Cloud APIs", () => {
  it("list every error of the VPC service with its status", () => {
    const answered = faultCodes
      .flatMap(refusalsOf)
      .map(refuseVpc)
      .map(({ status, errorCode }) => `${status} ${errorCode}`);
    expect([...new Set(answered)].filter((error) => !listed("huawei-api").includes(error))).toEqual([]);
  });

  it("list every error of the log service with its status", () => {
    const answered = faultCodes
      .flatMap(refusalsOf)
      .map(refuseLts)
      .map(({ status, errorCode }) => `${status} ${errorCode}`);
    expect([...new Set(answered)].filter((error) => !listed("lts-api").includes(error))).toEqual([]);
  });
});
