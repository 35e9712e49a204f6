/** `weir flow-log` on a VPC, subnet or interface, with tags and resource groups, against a native API on a socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { createNativeServer, type NativeServer } from "../gateway/dialect/native/support.ts";
import { weir } from "./launcher.ts";

let server: NativeServer;
let data: readonly string[];
let vpcId: string;
beforeAll(async () => {
  server = createNativeServer();
  unwrap(await server.gateway.start());
  data = ["--data", server.data];
  vpcId = server.control.resources.all().find(({ type }) => type === "vpc")!.id;
});
afterAll(() => server.close());

const settle = (id: string): void =>
  unwrap(server.control.flowLogs.settle(id, server.control.flowLogs.find(id)!.updatedMs));

async function createOn(id: string, ...more: string[]) {
  const create = ["flow-log", "create", ...data, "--json", "--log", "traffic/flows", "--on", id];
  return await weir(...create, ...more);
}

describe("weir flow-log create --on", () => {
  it("makes a flow log of the VPC service, whose life shows", async () => {
    const created = await createOn(vpcId, "--window", "60", "--traffic", "reject", "--name", "all");
    expect(created.errors).toBe("");
    const flowLog = JSON.parse(created.out);
    expect(flowLog).toMatchObject({
      service: "vpc",
      transition: "activating",
      policy: { kind: "window", windowS: 60 },
      filter: { trafficType: "reject" },
      target: { type: "vpc", id: vpcId },
      resourceIds: [vpcId],
    });
    const { id } = flowLog;
    const busy = await weir("flow-log", "deactivate", id, ...data);
    expect(busy.errors).toContain(`${id} is activating`);
    settle(id);
    const shown = await weir("flow-log", "show", id, ...data);
    expect(shown.out).toMatch(/^status +active$/mu);
    expect(shown.out).toMatch(/^window +60 s$/mu);
    expect(shown.out).toMatch(/^traffic +reject, IPv4 and IPv6$/mu);
    const changed = await weir("flow-log", "update", id, ...data, "--json", "--ip-version", "6");
    expect(JSON.parse(changed.out).filter).toMatchObject({ trafficType: "reject", ipVersions: [6] });
    settle(id);
    const narrowed = await weir("flow-log", "show", id, ...data);
    expect(narrowed.out).toMatch(/^traffic +reject, IPv6$/mu);
    expect((await weir("flow-log", "delete", id, ...data)).out).toBe(`deleted flow log ${id}\n`);
    const list = await weir("flow-log", "list", ...data);
    expect(list.out).toMatch(new RegExp(`^${id} +all +vpc +deleting `, "mu"));
    expect((await weir("flow-log", "show", id, ...data)).out).toMatch(/^status +deleting, then gone$/mu);
    settle(id);
    expect((await weir("flow-log", "show", id, ...data)).code).toBe(1);
  });

  it("refuses what nothing can be made on, in the words that were typed", async () => {
    const gateway = await createOn(server.gatewayId);
    expect(JSON.parse(gateway.out).error).toMatchObject({ code: "InputInvalid", field: "--on" });
    expect(JSON.parse((await createOn("eni-none")).out).error).toMatchObject({ code: "ResourceNotFound" });
    const window = await createOn(vpcId, "--window", "61");
    expect(JSON.parse(window.out).error).toMatchObject({ field: "--window", allowed: "60, 300, 600" });
    const timeout = await createOn(vpcId, "--active-timeout", "60");
    expect(JSON.parse(timeout.out).error).toMatchObject({ field: "--active-timeout" });
    const aged = await weir("flow-log", "create", ...data, "--log", "traffic/flows", "--window", "60");
    expect(aged.errors).toContain("error: --window is not a setting of this service's flow logs");
    expect(server.control.flowLogs.all()).toEqual([]);
  });
});

describe("labels of a flow log", () => {
  it("are tags, and the group that it is in", async () => {
    const { id } = JSON.parse((await createOn(server.interfaceId)).out);
    expect((await weir("flow-log", "tag", id, "team=net", "note=a=b", "bare", ...data)).code).toBe(0);
    const show = async (): Promise<string> => (await weir("flow-log", "show", id, ...data)).out;
    expect(await show()).toMatch(/^tags +team=net, note=a=b, bare=$/mu);
    await weir("flow-log", "untag", id, "note", ...data);
    expect(await show()).toMatch(/^tags +team=net, bare=$/mu);
    await weir("flow-log", "untag", id, ...data);
    expect(await show()).toMatch(/^tags +none$/mu);

    const created = await weir("resource-group", "create", "production", "--json", ...data);
    const group = JSON.parse(created.out);
    const groups = await weir("resource-group", "list", ...data);
    expect(groups.out).toMatch(new RegExp(`^${group.id} +production `, "mu"));
    expect(groups.out).toMatch(/ default /u);
    expect((await weir("flow-log", "move", id, group.id, ...data)).code).toBe(0);
    expect(await show()).toContain(group.id);
    const none = await weir("flow-log", "move", id, "rg-none", ...data);
    expect(none.errors).toContain("there is no resource group rg-none");
    const full = await weir("resource-group", "delete", group.id, ...data);
    expect(full.errors).toContain("the resource group production still has flow logs (1) or projects (0)");
    await weir("flow-log", "move", id, groups.out.match(/^(\S+) +default /mu)![1]!, ...data);
    const gone = await weir("resource-group", "delete", group.id, ...data);
    expect(gone.out).toBe(`deleted resource group ${group.id}\n`);
  });
});

it("weir resource list shows what each resource is in, and the flow logs that observe it", async () => {
  const { flowLogs } = server.control;
  const [flowLog] = flowLogs.observing(server.interfaceId);
  const { out } = await weir("resource", "list", ...data);
  const lines = out.split("\n").map((line) => line.trimEnd());
  const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
  expect(at(/^sag-/u)).toBeLessThan(at(/^vpc-/u));
  expect(at(/^vpc-/u)).toBeLessThan(at(/^ {2}vsw-/u));
  expect(at(/^ {2}vsw-/u)).toBeLessThan(at(/^ {4}eni-/u));
  expect(lines[at(/^ {4}eni-/u)]).toContain(flowLog!.id);
});
