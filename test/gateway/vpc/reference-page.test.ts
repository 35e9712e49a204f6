import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { flowLogBounds } from "../../../src/control/mod.ts";
import { vpcErrors } from "../../../src/gateway/dialect/vpc/mod.ts";

const page = readFileSync(join(import.meta.dirname, "../../../docs/reference/vpc-api.md"), "utf8");

/** Every code in the service's own documentation of the operations that Weir has. */
const documented = `
  IncorrectBusinessStatus.FlowLog InvalidInstanceId InvalidStatus InvalidRegionId.NotFound
  InvalidInstanceId.NotFound IncorrectStatus.flowlog Forbidden.OperateManagedFlowLog
  OperationDenied.FlowLogDeliverFailed OptInRequired.FlowLog OperationUnsupported.AdvancedFeature
  ProjectOrLogstoreNotExist SourceProjectNotExist Unauthorized OperationUnsupported.action ParameterInvalid
  RuleExist InvalidHdMonitorStatus QuotaExceeded.FlowlogCount InvalidResourceId.NotFound INVALID_PARAMETER
  MissingParameter InvalidResourceType.NotFound OperationUnsupported.ResourceType
  IllegalParam.AggregationInterval UnsupportedFeature.UserDefinedTrafficPath IllegalParam.TrafficPath
  DuplicatedParam.TrafficPath IllegalParam.ResourceGroupId OperationDenied.OperateShareResource
  FlowLogNumberOverLimit InvalidTrafficType.NotFound InvalidName.Malformed OperationFailed.ExceedPurchaseLimit
  Forbidden.RAM OperationFailed.AliGroupUserCanNotBuyInnerCommodity OperationFailed.QuotaNotEnough
  Order.NoRealNameAuthentication OperationFailed.BasicInfoUncompleted InvalidTagKey InvalidTagValue MissingParam
  InvalidInstanceType.NotFound InvalidInstanceIds.NotFound Forbidden.TagKeys QuotaExceeded.TagNum
  InvalidTagScope.NotFound Forbidden.NotAllowedCategary Forbidden.TagKey.Duplicated SizeLimitExceeded.TagNum
  SizeLimitExceeded.ResourceId MissingParameter.TagValue MissingParameter.TagKey MissingParam.Tags Forbidden
  BothEmpty.TagsAndResources MissingParam.ResourceType InvalidResourceGroupId IllegalParam.ResourceType
  OperationFailed.InstanceStatusNotAllowed IncorrectStatus.Vpc InvalidBandwidthPackageId.NotFound
`
  .trim()
  .split(/\s+/u);

const rowsOf = (text: string): string[][] =>
  text
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.split("|").map((cell) => cell.trim()));
const codesOf = (row: readonly string[]): string[] => row[1]!.split(", ");
const rows = rowsOf(page);

describe("the reference page of the VPC API", () => {
  it("lists every error code that is answered with its HTTP status", () => {
    const listed = rows.flatMap((row) => codesOf(row).map((code) => `${code} ${row[2]}`));
    const answered = Object.entries(vpcErrors).map(([code, [status]]) => `${code} ${status}`);
    expect(answered.filter((entry) => !listed.includes(entry))).toEqual([]);
  });

  it("says of every code that the service documents what provokes it, or why nothing does", () => {
    const listed = new Set(rows.flatMap(codesOf));
    expect(documented.filter((code) => !listed.has(code))).toEqual([]);
  });

  it("says of no code that is answered that nothing provokes it", () => {
    const unprovoked = rowsOf(page.slice(page.indexOf("which no request can provoke"))).flatMap(codesOf);
    expect(unprovoked.filter((code) => code in vpcErrors)).toEqual([]);
  });

  it("has the bounds of the code", () => {
    expect(page).toContain(`up to ${flowLogBounds.tagsMax}, each once`);
    expect(page).toContain(`1 to ${flowLogBounds.tagLengthMax} characters`);
    const minutes = flowLogBounds.windowS.values.map((windowS) => `\`${windowS / 60}\``).join(", ");
    expect(page).toContain(`${minutes}, in minutes | \`${flowLogBounds.windowS.default / 60}\``);
  });
});
