/** A flow log's life through its states, its tags and its resource group; and whether the service is open. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import type { DeliveryProblem, DeliveryStatus } from "../../../src/gateway/mod.ts";
import type { Fields } from "../rpc/client.ts";
import { startVpcServer, type VpcServer } from "./fixture.ts";

let server: VpcServer;
let delivery: DeliveryStatus | undefined;
beforeAll(async () => {
  server = await startVpcServer({ deliveryStatus: () => delivery });
});
afterAll(() => server.stop());
afterEach(() => server.clear());

const statusOf = async (FlowLogId: string): Promise<unknown> => (await server.shown(FlowLogId))?.["Status"];

async function done(action: string, fields: Fields): Promise<void> {
  const answer = await server.call(action, fields);
  expect(answer.body, answer.text).toEqual({ RequestId: answer.body.RequestId, Success: "true" });
}

describe("a flow log", () => {
  it("goes through every state of the service, each until capture has the change", async () => {
    const { FlowLogId } = (await server.call("CreateFlowLog", server.onEth0)).body as { FlowLogId: string };
    expect(await statusOf(FlowLogId)).toBe("Activating");
    server.settle();
    expect(await statusOf(FlowLogId)).toBe("Active");
    await done("ModifyFlowLogAttribute", { FlowLogId, AggregationInterval: 1 });
    expect(await server.shown(FlowLogId)).toMatchObject({ Status: "Modifying", AggregationInterval: 1 });
    server.settle();
    expect(await statusOf(FlowLogId)).toBe("Active");
    await done("DeactiveFlowLog", { FlowLogId });
    expect(await statusOf(FlowLogId)).toBe("Deactivating");
    server.settle();
    expect(await statusOf(FlowLogId)).toBe("Inactive");
    await done("ModifyFlowLogAttribute", { FlowLogId, Description: "changed while inactive" });
    expect(await statusOf(FlowLogId)).toBe("Modifying");
    server.settle();
    expect(await statusOf(FlowLogId)).toBe("Inactive");
    await done("ActiveFlowLog", { FlowLogId });
    expect(await statusOf(FlowLogId)).toBe("Activating");
    server.settle();
    await done("DeleteFlowLog", { FlowLogId });
    expect(await statusOf(FlowLogId)).toBe("Deleting");
    server.settle();
    expect(await server.shown(FlowLogId)).toBeUndefined();
  });

  it.each(["Activating", "Modifying", "Deactivating"])("takes no other change while %s", async (state) => {
    const { FlowLogId } = (await server.call("CreateFlowLog", server.onEth0)).body as { FlowLogId: string };
    if (state !== "Activating") {
      server.settle();
      await done(state === "Modifying" ? "ModifyFlowLogAttribute" : "DeactiveFlowLog", { FlowLogId });
    }
    expect(await statusOf(FlowLogId)).toBe(state);
    const answers = await Promise.all(
      ["ModifyFlowLogAttribute", "DeleteFlowLog"].map((action) => server.call(action, { FlowLogId })),
    );
    expect(answers.map(({ body }) => body.Code)).toEqual([
      "IncorrectStatus.flowlog",
      "IncorrectStatus.flowlog",
    ]);
    expect(await statusOf(FlowLogId)).toBe(state);
  });

  it("that is going is neither active nor inactive already", async () => {
    const FlowLogId = await server.create();
    await done("DeleteFlowLog", { FlowLogId });
    for (const change of ["ActiveFlowLog", "DeactiveFlowLog"]) {
      const answer = await server.call(change, { FlowLogId });
      expect([answer.status, answer.body.Code]).toEqual([400, "IncorrectStatus.flowlog"]);
    }
  });

  it("that is active already can be activated again, an inactive one deactivated", async () => {
    const FlowLogId = await server.create();
    await done("ActiveFlowLog", { FlowLogId });
    expect(await statusOf(FlowLogId)).toBe("Active");
    await done("DeactiveFlowLog", { FlowLogId });
    server.settle();
    await done("DeactiveFlowLog", { FlowLogId });
    expect(await statusOf(FlowLogId)).toBe("Inactive");
  });

  it("is shown as XML with each element of a list repeated", async () => {
    const two = { "Tag.1.Key": "a", "Tag.1.Value": "1", "Tag.2.Key": "b", "Tag.2.Value": "<2>" };
    await server.create(two);
    const { text } = await server.call("DescribeFlowLogs", {}, { common: { Format: "XML" } });
    expect(text).toContain("<DescribeFlowLogsResponse><RequestId>");
    expect(text).toContain("<FlowLogs><FlowLog><FlowLogId>fl-");
    expect(text).toContain("<TrafficPath><TrafficPathList>all</TrafficPathList></TrafficPath>");
    expect(text).toContain(
      "<Tags><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>b</Key><Value>&lt;2&gt;</Value></Tag></Tags>",
    );
  });

  it("leaves its resource to another once it is gone", async () => {
    const FlowLogId = await server.create();
    await done("DeleteFlowLog", { FlowLogId });
    const early = await server.call("CreateFlowLog", server.onEth0);
    expect(early.body.Code).toBe("InvalidResourceId.NotFound");
    server.settle();
    expect((await server.call("CreateFlowLog", server.onEth0)).status).toBe(200);
  });

  it("stands in whatever state it was in after a restart", async () => {
    const directory = mkdtempSync(join(tmpdir(), "weir-vpc-"));
    const first = await startVpcServer({ directory });
    const FlowLogId = await first.create({ "Tag.1.Key": "k", "Tag.1.Value": "v", AggregationInterval: 5 });
    await first.call("DeactiveFlowLog", { FlowLogId });
    const before = await first.shown(FlowLogId);
    await first.stop();
    const second = await startVpcServer({ directory });
    const after = await second.shown(FlowLogId);
    expect(after).toEqual(before);
    expect(after).toMatchObject({ Status: "Deactivating", Tags: { Tag: [{ Key: "k", Value: "v" }] } });
    second.settle();
    expect((await second.shown(FlowLogId))?.["Status"]).toBe("Inactive");
    await second.stop();
    rmSync(directory, { recursive: true });
  });
});

describe("how deliveries go", () => {
  const status = (...problems: DeliveryProblem[]): DeliveryStatus => ({
    healthy: problems.length === 0,
    message: problems.map(({ message }) => message).join("; "),
    problems,
  });

  it.each<[DeliveryStatus | undefined, string, string]>([
    [undefined, "SUCCESS", ""],
    [status(), "SUCCESS", ""],
    [status({ kind: "logTarget", message: "no such project" }), "FAILED", "ProjectNotExist"],
    [status({ kind: "storage", message: "the disk is full" }), "FAILED", "UnavaliableTarget"],
    [status({ kind: "verdicts", message: "no verdicts here" }), "FAILED", "no verdicts here"],
    [
      status({ kind: "logTarget", message: "no such project" }, { kind: "capture", message: "no capture" }),
      "FAILED",
      "no such project; no capture",
    ],
  ])("is told for %j", async (given, expected, message) => {
    delivery = given;
    const FlowLogId = await server.create();
    const shown = await server.shown(FlowLogId);
    delivery = undefined;
    expect([shown?.["FlowLogDeliverStatus"], shown?.["FlowLogDeliverErrorMessage"]]).toEqual([
      expected,
      message,
    ]);
  });
});

describe("tags", () => {
  const tagged = (ids: readonly string[], fields: Fields): Fields => ({
    ResourceType: "FLOWLOG",
    ...Object.fromEntries(ids.map((id, index) => [`ResourceId.${index + 1}`, id])),
    ...fields,
  });
  const tagsOf = async (FlowLogId: string): Promise<unknown> => {
    const shown = await server.shown(FlowLogId);
    return (shown!["Tags"] as { Tag: unknown }).Tag;
  };
  const listed = async (fields: Fields): Promise<{ rows: string[]; token: string }> => {
    const { body } = await server.call("ListTagResources", fields);
    const rows = body.TagResources.TagResource as Record<string, string>[];
    return {
      rows: rows.map(
        (row) => `${row["ResourceType"]} ${row["ResourceId"]} ${row["TagKey"]}=${row["TagValue"]}`,
      ),
      token: body.NextToken as string,
    };
  };

  it("are added, given new values, listed and taken away", async () => {
    const one = await server.create({ "Tag.1.Key": "team", "Tag.1.Value": "net" });
    const two = await server.create({ ResourceId: server.interfaces[1]!.id });
    const both = tagged([one, two], { "Tag.1.Key": "team", "Tag.1.Value": "ops", "Tag.2.Key": "env" });
    const answer = await server.call("TagResources", { ...both, "Tag.2.Value": "" });
    expect(answer.body).toEqual({ RequestId: answer.body.RequestId });
    for (const id of [one, two]) {
      expect(await tagsOf(id)).toEqual([
        { Key: "team", Value: "ops" },
        { Key: "env", Value: "" },
      ]);
    }
    expect((await listed(tagged([two], {}))).rows).toEqual([
      `FLOWLOG ${two} team=ops`,
      `FLOWLOG ${two} env=`,
    ]);
    expect((await listed(tagged([], { "Tag.1.Key": "env" }))).rows).toEqual([
      `FLOWLOG ${one} env=`,
      `FLOWLOG ${two} env=`,
    ]);
    expect((await listed(tagged([], { "Tag.1.Key": "env", "Tag.1.Value": "x" }))).rows).toEqual([]);
    await server.call("UnTagResources", tagged([one], { "TagKey.1": "team", "TagKey.2": "none" }));
    expect(await tagsOf(one)).toEqual([{ Key: "env", Value: "" }]);
    await server.call("UnTagResources", tagged([one, two], { All: "true" }));
    expect([await tagsOf(one), await tagsOf(two)]).toEqual([[], []]);
  });

  it("go on all of the flow logs that a call names, or on none", async () => {
    const one = await server.create();
    const wanted = { "Tag.1.Key": "k", "Tag.1.Value": "v" };
    const answer = await server.call("TagResources", tagged([one, "fl-none"], wanted));
    expect(answer.body.Code).toBe("InvalidInstanceIds.NotFound");
    expect(await tagsOf(one)).toEqual([]);
  });

  it("are taken away by name or all at once, and not by a call that says neither", async () => {
    const one = await server.create({ "Tag.1.Key": "k", "Tag.1.Value": "v" });
    expect((await server.call("UnTagResources", tagged([one], {}))).body.Code).toBe("MissingParam");
    await server.call("UnTagResources", tagged([one], { All: "true", "TagKey.1": "other" }));
    expect(await tagsOf(one)).toHaveLength(1);
  });

  it("are listed page by page", async () => {
    const five = [1, 2, 3, 4, 5].flatMap((index) => [
      [`Tag.${index}.Key`, `k${index}`],
      [`Tag.${index}.Value`, ""],
    ]);
    const one = await server.create(Object.fromEntries(five) as Fields);
    const pages: string[][] = [];
    let token = "";
    do {
      const page = await listed(tagged([one], { MaxResults: 2, NextToken: token }));
      pages.push(page.rows);
      ({ token } = page);
    } while (token !== "");
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(new Set(pages.flat()).size).toBe(5);
    for (const wrong of [{ MaxResults: 0 }, { MaxResults: 51 }, { NextToken: "x" }]) {
      const answer = await server.call("ListTagResources", tagged([one], wrong));
      expect(answer.body.Code).toBe("InvalidParameter");
    }
  });
});

describe("resource groups", () => {
  it.each(["FLOWLOG", "FlowLog", "flowlog"])("take a flow log that is called a %s", async (ResourceType) => {
    const ResourceId = await server.create();
    const { accountId } = server.scope;
    const group = unwrap(server.control.resourceGroups.create(accountId, `group-${ResourceType}`));
    const answer = await server.call("MoveResourceGroup", {
      ResourceId,
      ResourceType,
      NewResourceGroupId: group.id,
    });
    expect(answer.body).toEqual({ RequestId: answer.body.RequestId });
    expect(await server.shown(ResourceId)).toMatchObject({ ResourceGroupId: group.id, Status: "Active" });
  });
});

describe("the flow-log service", () => {
  it("is opened once for an account and region, and stays open", async () => {
    const directory = mkdtempSync(join(tmpdir(), "weir-vpc-"));
    const closed = await startVpcServer({ directory, control: { openByDefault: false } });
    const isOpen = async (fields?: Fields): Promise<unknown> =>
      (await closed.call("GetFlowLogServiceStatus", fields)).body.Enabled;
    expect(await isOpen()).toBe(false);
    const ClientToken = "open-once";
    const opened = await closed.call("OpenFlowLogService", { ClientToken });
    expect(opened.body).toEqual({ RequestId: opened.body.RequestId, Code: "200", Message: "successful" });
    expect(await isOpen({ ClientToken })).toBe(true);
    expect(await isOpen({ RegionId: "cn-hangzhou" })).toBe(false);
    expect((await closed.call("OpenFlowLogService", { ClientToken })).status).toBe(200);
    const other = await closed.call("OpenFlowLogService", { ClientToken: "open-twice" });
    expect([other.status, other.body.Code]).toEqual([400, "OperationFailed.ExceedPurchaseLimit"]);
    await closed.stop();
    const again = await startVpcServer({ directory, control: { openByDefault: false } });
    expect((await again.call("GetFlowLogServiceStatus")).body.Enabled).toBe(true);
    await again.stop();
    rmSync(directory, { recursive: true });
  });

  it("lists its regions, each at the address that was called", async () => {
    const { body } = await server.call("DescribeRegions", { AcceptLanguage: "en-US" });
    const regions = body.Regions.Region as Record<string, string>[];
    expect(regions.map(({ RegionId }) => RegionId)).toEqual(server.control.regions.list("logService"));
    expect(regions).toContainEqual({
      RegionId: "cn-shanghai",
      LocalName: "China (Shanghai)",
      RegionEndpoint: `127.0.0.1:${server.port}`,
    });
  });
});
