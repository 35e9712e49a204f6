/** `weir flow-log` as a process, against a native API on a socket. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { createNativeServer, type NativeServer } from "../gateway/dialect/native/support.ts";
import { weir } from "./launcher.ts";

let server: NativeServer;
beforeAll(async () => {
  server = createNativeServer();
  unwrap(await server.gateway.start());
});
afterAll(() => server.close());

describe("weir flow-log", () => {
  it("creates, shows, lists, updates, deactivates, activates, disassociates and deletes", async () => {
    const data = ["--data", server.data];
    const created = await weir(
      "flow-log",
      "create",
      ...data,
      "--json",
      "--name",
      "edge",
      "--log",
      "traffic/flows",
      "--netflow",
      "192.0.2.1:2055",
      "--netflow-version",
      "10",
      "--resource",
      server.gatewayId,
    );
    expect(created.errors).toBe("");
    const { id, resourceIds } = JSON.parse(created.out);
    expect(resourceIds).toEqual([server.gatewayId]);

    const shown = await weir("flow-log", "show", id, ...data);
    expect(shown.out).toContain("IPFIX to 192.0.2.1:2055");
    expect(shown.out).toContain("traffic/flows in cn-shanghai");
    expect(shown.out).toContain(server.gatewayId);

    const updated = await weir(
      "flow-log",
      "update",
      id,
      ...data,
      "--active-timeout",
      "60",
      "--output",
      "log",
    );
    expect(updated).toMatchObject({ code: 0, out: `updated flow log ${id}\n` });
    const list = await weir("flow-log", "list", ...data);
    expect(list.out).toMatch(
      new RegExp(`^${id} +edge +sag +active +cn-shanghai +traffic/flows in cn-shanghai +- +sag-`, "mu"),
    );

    expect((await weir("flow-log", "deactivate", id, ...data)).out).toBe(`deactivated flow log ${id}\n`);
    expect((await weir("flow-log", "activate", id, ...data)).out).toBe(`activated flow log ${id}\n`);
    const refused = await weir("flow-log", "delete", id, ...data);
    expect(refused.code).toBe(1);
    expect(refused.errors).toContain("is still associated with a resource");
    expect(refused.errors).toContain("remedy: disassociate its resources first");
    expect((await weir("flow-log", "disassociate", id, server.gatewayId, ...data)).code).toBe(0);
    expect((await weir("flow-log", "delete", id, ...data)).out).toBe(`deleted flow log ${id}\n`);
  });

  it("refuses a value with the value and what is allowed", async () => {
    const ran = await weir(
      "flow-log",
      "create",
      "--data",
      server.data,
      "--netflow",
      "192.0.2.1",
      "--active-timeout",
      "59",
    );
    expect(ran.code).toBe(1);
    expect(ran.errors).toContain(
      "error: --active-timeout is 59\n  --active-timeout: 59\n  allowed: an integer from 60 to 6000",
    );
  });

  it("takes a resource that cannot be bound for what it is, and leaves no flow log behind", async () => {
    const data = ["--data", server.data];
    const create = ["flow-log", "create", ...data, "--netflow", "192.0.2.1", "--name", "left"];
    const remedy = "  remedy: ./weir resource list shows those that there are";
    const wrong = await weir(...create, "--resource", server.gatewayId, "--resource", "sag-none");
    expect(wrong.code).toBe(1);
    expect(wrong.errors).toBe(`error: there is no resource sag-none\n  --resource: sag-none\n${remedy}\n`);
    const elsewhere = await weir(...create, "--resource", server.gatewayId, "--region", "eu-central-1");
    expect(elsewhere.errors).toMatch(
      / is in cn-shanghai, fl-\w+ in eu-central-1\n {2}--region: eu-central-1\n/u,
    );
    const bound = JSON.parse((await weir(...create, "--resource", server.interfaceId, "--json")).out);
    const again = await weir(...create, "--resource", server.interfaceId);
    expect(again.errors).toContain(`${server.interfaceId} is already associated with ${bound.id}\n`);
    expect(again.errors).toContain(remedy);
    expect(server.control.flowLogs.all().filter(({ name }) => name === "left")).toHaveLength(1);
    await weir("flow-log", "disassociate", bound.id, server.interfaceId, ...data);
    await weir("flow-log", "delete", bound.id, ...data);
    const twice = ["--resource", server.gatewayId, "--resource", server.gatewayId];
    const once = JSON.parse((await weir(...create, ...twice, "--json")).out);
    expect(once.resourceIds).toEqual([server.gatewayId]);
    await weir("flow-log", "disassociate", once.id, server.gatewayId, ...data);
    await weir("flow-log", "delete", once.id, ...data);
  });

  it("names the next command with the data directory that was named", async () => {
    const create = ["flow-log", "create", "--data", server.data, "--netflow", "192.0.2.1"];
    const { out } = await weir(...create);
    const id = /fl-\w+/u.exec(out)?.[0] ?? "";
    expect(out).toBe(
      `created flow log ${id}\nnext: ./weir flow-log associate ${id} RESOURCE --data ${server.data}\n`,
    );
    await weir("flow-log", "delete", id, "--data", server.data);
  });

  it("says of a region that there is none which there are", async () => {
    const data = ["--data", server.data];
    const log = await weir("flow-log", "create", ...data, "--netflow", "192.0.2.1", "--region", "mars");
    expect(log.errors).toBe(
      `error: there is no region mars\n  --region: mars\n  allowed: ${server.control.regions.list("sag").join(", ")}\n`,
    );
    const regions = server.control.regions.list("logService").join(", ");
    const target = ["--project", "none", "--logstore", "flows", "--region", "mars"];
    const told = [
      await weir("project", "create", "there", "--region", "mars", ...data),
      await weir("project", "list", "--region", "mars", ...data),
      await weir("logstore", "list", "--project", "none", "--region", "mars", ...data),
      await weir("records", ...target, ...data),
    ];
    for (const { errors } of told) {
      expect(errors).toBe(
        `error: the log service has no region mars\n  --region: mars\n  allowed: ${regions}\n`,
      );
    }
    const logRegion = ["--log", "traffic/flows", "--log-region", "mars"];
    const settings = await weir("flow-log", "create", ...data, ...logRegion);
    expect(settings.errors).toContain(`  --log-region: mars\n  allowed: ${regions}\n`);
  });

  it("says which flag an output lacks, and what it takes", async () => {
    const data = ["--data", server.data];
    const missing = await weir(
      "flow-log",
      "create",
      ...data,
      "--log",
      "traffic/flows",
      "--output",
      "netflow",
    );
    expect(missing.errors).toBe(
      "error: --netflow is needed by an enabled output\n  remedy: name the collector: --netflow ADDRESS:PORT\n",
    );
    const port = await weir("flow-log", "create", ...data, "--netflow", "192.0.2.4:99999");
    expect(port.errors).toBe(
      'error: "192.0.2.4:99999" is not ADDRESS:PORT\n  --netflow: 192.0.2.4:99999\n' +
        "  allowed: an IPv4 address and a port from 1 to 65535, such as 192.0.2.1:9995\n",
    );
    const ipv6 = await weir("flow-log", "create", ...data, "--netflow", "[2001:db8::1]:9995");
    expect(ipv6.errors).toContain("allowed: an IPv4 address");
    const log = await weir("flow-log", "create", ...data, "--log", "traffic");
    expect(log.errors).toContain("  --log: traffic\n");
  });

  it("wants an output for a new flow log", async () => {
    const ran = await weir("flow-log", "create", "--data", server.data, "--name", "nowhere");
    expect(ran.errors).toBe(
      "error: a flow log needs somewhere to deliver to\n  allowed: --log PROJECT/LOGSTORE, --netflow ADDRESS:PORT, or both\n",
    );
  });

  it("refuses a target that is none before it asks the server", async () => {
    const log = await weir("flow-log", "create", "--data", "/nonexistent", "--log", "traffic");
    expect(log.errors).toContain('"traffic" is not PROJECT/LOGSTORE');
    const netflow = await weir(
      "flow-log",
      "create",
      "--data",
      "/nonexistent",
      "--netflow",
      "192.0.2.1:0",
      "--json",
    );
    expect(JSON.parse(netflow.out).error).toMatchObject({ code: "InputInvalid", value: "192.0.2.1:0" });
  });
});
