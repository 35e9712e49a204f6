/** One scenario through every dialect, by the vendors' own clients, and what the core holds after each step. */
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { callNative } from "../support/administration.ts";
import {
  alibabaVpcClient,
  codeOf,
  type FlowLogClient,
  huaweiVpcClient,
  sagClient,
  type ShownFlowLog,
} from "../support/flow-log-client.ts";
import { type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

interface CoreFlowLog {
  readonly id: string;
  readonly uuid: string;
  readonly service: string;
  readonly name: string;
  readonly description: string;
  readonly status: string;
  readonly transition?: string;
}

interface Step {
  readonly name: string;
  readonly run: (client: FlowLogClient, id: string) => Promise<void>;
  readonly becomes: ShownFlowLog;
}

const created: ShownFlowLog = { name: "first", description: "of the scenario", isActive: true };

const steps: readonly Step[] = [
  { name: "is active once it is made", run: async () => Promise.resolve(), becomes: created },
  {
    name: "has another name, and the rest as it was",
    run: (client, id) => client.rename(id, "second"),
    becomes: { ...created, name: "second" },
  },
  {
    name: "is switched off",
    run: (client, id) => client.switch(id, false),
    becomes: { ...created, name: "second", isActive: false },
  },
  {
    name: "can be renamed while it is off",
    run: (client, id) => client.rename(id, "third"),
    becomes: { ...created, name: "third", isActive: false },
  },
  {
    name: "is switched on",
    run: (client, id) => client.switch(id, true),
    becomes: { ...created, name: "third" },
  },
];

const dialects = [
  { service: "sag", connect: sagClient, notFound: "InvalidFlowLogId.NotFound", unknownId: "fl-none" },
  { service: "vpc", connect: alibabaVpcClient, notFound: "InvalidInstanceId.NotFound", unknownId: "fl-none" },
  {
    service: "huawei",
    connect: huaweiVpcClient,
    notFound: "VPC.3002",
    unknownId: "05c4052d-8d14-488f-aa00-19fea5a25fde",
  },
] as const;

const directory = temporaryDirectory("scenario");
let weir: RunningWeir;
let clients: ReadonlyMap<string, FlowLogClient>;

beforeAll(async () => {
  weir = await startWeir({ data: join(directory.path, "data") });
  const connected = dialects.map(async ({ service, connect }) => [service, await connect(weir)] as const);
  clients = new Map<string, FlowLogClient>(await Promise.all(connected));
});
afterAll(async () => {
  await weir?.stop();
  directory.remove();
});

async function inCore(id: string): Promise<CoreFlowLog | undefined> {
  const { flowLogs } = await callNative<{ flowLogs: CoreFlowLog[] }>(weir.data, "GET", "/flow-logs");
  return flowLogs.find((one) => one.id === id || one.uuid === id);
}

describe.each(dialects)("a flow log of the service $service", ({ service, notFound, unknownId }) => {
  let id: string;
  const client = (): FlowLogClient => clients.get(service)!;

  it("is made", async () => {
    id = await client().create(created.name, created.description);
    expect(await client().ids()).toEqual([id]);
  });

  it.each(steps)("$name", async ({ run, becomes }) => {
    await run(client(), id);
    expect(await client().show(id)).toEqual(becomes);
    const { name, description, isActive } = becomes;
    const held = await inCore(id);
    expect(held).toMatchObject({ service, name, description, status: isActive ? "active" : "inactive" });
    expect(held).not.toHaveProperty("transition");
  });

  it("is listed by its own service alone", async () => {
    for (const [other, each] of clients) expect((await each.ids()).includes(id)).toBe(other === service);
  });

  it("is gone once it is deleted, in the core too", async () => {
    await client().remove(id);
    expect(await client().ids()).toEqual([]);
    expect(await inCore(id)).toBeUndefined();
    for (const gone of [id, unknownId]) expect(await codeOf(client().show(gone))).toBe(notFound);
  });
});
