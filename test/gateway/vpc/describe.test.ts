/** DescribeFlowLogs: its filters at and past their bounds, alone and together, and its pages. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { type Fields, outcomeOf } from "../rpc/client.ts";
import { rowsOf, startVpcServer, type VpcServer } from "./fixture.ts";

let server: VpcServer;
beforeAll(async () => {
  server = await startVpcServer();
});
afterAll(() => server.stop());
afterEach(() => server.clear());

describe("DescribeFlowLogs", () => {
  it.each(
    rowsOf({
      PageSize: [
        ["1", "ok"],
        ["50", "ok"],
        ["", "ok"],
        ["0", "400 ParameterInvalid"],
        ["51", "400 ParameterInvalid"],
        ["all", "400 ParameterInvalid"],
      ],
      PageNumber: [
        ["1", "ok"],
        ["2147483647", "ok"],
        ["", "ok"],
        ["0", "400 ParameterInvalid"],
        ["-1", "400 ParameterInvalid"],
        ["2147483648", "400 ParameterInvalid"],
      ],
      Status: [
        ..."Active Inactive Activating Modifying Deactivating Deleting"
          .split(" ")
          .map((word) => [word, "ok"] as const),
        ["active", "400 ParameterInvalid"],
        ["toString", "400 ParameterInvalid"],
        ["", "ok"],
      ],
      ResourceType: [
        ["VPC", "ok"],
        ["vpc", "400 ParameterInvalid"],
      ],
      TrafficType: [
        ["Drop", "ok"],
        ["Reject", "400 ParameterInvalid"],
      ],
      RegionId: [
        ["mars-1", "400 InvalidRegionId.NotFound"],
        ["", "400 MissingParameter"],
      ],
      "Tags.1.Value": [["v", "400 MissingParameter.TagKey"]],
      "Tags.1.Key": [
        ["k", "ok"],
        ["", "400 InvalidTagKey"],
        ["acs:k", "400 Forbidden.TagKeys"],
      ],
    }),
  )("with %s %j is %s", async (name, value, expected) => {
    expect(outcomeOf(await server.call("DescribeFlowLogs", { [name]: value }))).toBe(expected);
  });

  it("filters by each of its parameters alone, and by all of them together", async () => {
    const [eth0, , eth2] = server.interfaces;
    const group = server.control.resourceGroups.create(server.scope.accountId, "others");
    const otherGroup = group.ok ? group.value.id : "";
    const wantedId = await server.create({
      FlowLogName: "wanted",
      Description: "the one",
      ResourceId: eth2!.id,
      TrafficType: "Drop",
      ProjectName: "wanted-project",
      LogStoreName: "wanted-store",
      ResourceGroupId: otherGroup,
      "Tag.1.Key": "team",
      "Tag.1.Value": "",
      "Tag.2.Key": "env",
      "Tag.2.Value": "prod",
    });
    await server.call("DeactiveFlowLog", { FlowLogId: wantedId });
    await server.create({ "Tag.1.Key": "env", "Tag.1.Value": "test" });
    await server.create({ ResourceType: "VPC", ResourceId: server.vpc.id });
    const filters: readonly Fields[] = [
      { FlowLogId: wantedId },
      { FlowLogName: "wanted" },
      { Description: "the one" },
      { ResourceId: eth2!.id },
      { TrafficType: "Drop" },
      { ProjectName: "wanted-project" },
      { LogStoreName: "wanted-store" },
      { ResourceGroupId: otherGroup },
      { Status: "Inactive" },
      { "Tags.1.Key": "team" },
      { "Tags.1.Key": "team", "Tags.1.Value": "" },
      { "Tags.1.Key": "env", "Tags.1.Value": "prod" },
      { "Tags.1.Key": "env", "Tags.2.Key": "team" },
    ];
    const idsOf = async (fields: Fields): Promise<string[]> => {
      const { FlowLogs } = (await server.call("DescribeFlowLogs", { PageSize: 50, ...fields })).body;
      return (FlowLogs.FlowLog as { FlowLogId: string }[]).map(({ FlowLogId }) => FlowLogId);
    };
    for (const filter of filters) expect([filter, await idsOf(filter)]).toEqual([filter, [wantedId]]);
    const together = Object.assign({}, ...filters.slice(0, 9), filters[11], {
      ResourceType: "NetworkInterface",
      VpcId: server.vpc.id,
    }) as Fields;
    expect(await idsOf(together)).toEqual([wantedId]);
    expect(await idsOf({ ...together, FlowLogName: "wante" })).toEqual([]);
    expect(await idsOf({ ResourceType: "NetworkInterface" })).toHaveLength(2);
    expect(await idsOf({ ResourceType: "VPC", ResourceId: server.vpc.id })).toHaveLength(1);
    expect(await idsOf({ VpcId: server.vpc.id })).toHaveLength(3);
    expect(await idsOf({ VpcId: "vpc-none" })).toEqual([]);
    expect(await idsOf({ "Tags.1.Key": "env", "Tags.1.Value": "" })).toEqual([]);
    expect(await idsOf({ "Tags.1.Key": "none" })).toEqual([]);
    expect(await idsOf({ ResourceId: eth0!.id })).toHaveLength(1);
    expect(await idsOf({ RegionId: "cn-hangzhou" })).toEqual([]);
  });

  it("pages with strings for its counts", async () => {
    for (const { id } of server.interfaces) await server.create({ ResourceId: id });
    const pages = [1, 2, 3].map(async (PageNumber) =>
      server.call("DescribeFlowLogs", { PageNumber, PageSize: 2 }),
    );
    const [first, second, third] = (await Promise.all(pages)).map(({ body }) => body);
    expect(first).toMatchObject({ TotalCount: "3", PageNumber: "1", PageSize: "2", Success: "true" });
    expect([first, second, third].map(({ FlowLogs }) => FlowLogs.FlowLog.length)).toEqual([2, 1, 0]);
    expect((await server.call("DescribeFlowLogs")).body).toMatchObject({ PageNumber: "1", PageSize: "20" });
  });
});
