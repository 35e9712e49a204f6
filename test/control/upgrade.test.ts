/** The control.sqlite of a Weir that knew one service opens, with all that was in it. */
import { expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import { controlMigrations } from "../../src/control/schema.ts";
import { openDatabase } from "../../src/database/mod.ts";
import { byName, controlPath, hostWith, openTestControl } from "./support.ts";

/** Rows as the version before wrote them. */
const rows = `
INSERT INTO account VALUES ('1000000000000001', 'default', 'rg-acfmold', 1);
INSERT INTO resource VALUES ('sag-old', 'host:agent-one', '1000000000000001', 'cn-shanghai', NULL,
  '{"type":"gateway","name":"host","description":"the host host","model":"Weir host","flowLogSupport":"full","serial":"sagserial"}', 2);
INSERT INTO resource VALUES ('eni-old', 'host:agent-one/interface:eth0', '1000000000000001', 'cn-shanghai', 'sag-old',
  '{"type":"interface","name":"eth0","description":"","interfaceName":"eth0","model":"Weir host","flowLogSupport":"full","serial":"sagserial"}', 3);
INSERT INTO flow_log VALUES (7, 'fl-old', '1000000000000001', 'cn-shanghai', 'sag', 'active',
  '{"name":"n","description":"","resourceGroupId":"rg-acfmold","policy":{"kind":"aging","activeTimeoutS":60,"inactiveTimeoutS":10},"outputs":{"logService":{"enabled":false,"regionId":"","project":"","logstore":""},"netflow":{"enabled":true,"address":"192.0.2.1","port":9995,"version":9}}}', 4, 5);
INSERT INTO association VALUES ('fl-old', 'eni-old', 'sag', 6);
`;
/** The schema's version then. */
const versionBefore = 2;

it("a control plane of the version before is taken over with its ids", () => {
  const path = controlPath();
  const old = unwrap(openDatabase(path, { migrations: controlMigrations.slice(0, versionBefore) }));
  old.exec(rows);
  old.close();

  const control = openTestControl({ path });
  const [flowLog] = control.flowLogs.all();
  expect(flowLog).toMatchObject({
    id: "fl-old",
    number: 7,
    service: "sag",
    status: "active",
    policy: { kind: "aging", activeTimeoutS: 60, inactiveTimeoutS: 10 },
    filter: { trafficType: "all", ipVersions: [4, 6], trafficPaths: ["all"] },
    tags: {},
    updatedMs: 5,
  });
  expect(flowLog).not.toHaveProperty("target");
  expect(flowLog).not.toHaveProperty("transition");
  const isUuid = expect.stringMatching(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u,
  );
  expect(flowLog!.uuid).toEqual(isUuid);
  expect(control.flowLogs.resourcesOf("fl-old").map(({ id }) => id)).toEqual(["eni-old"]);

  const found = unwrap(control.resources.sync({ hosts: [hostWith({ eth0: ["10.0.0.7/24"] })] }));
  const eth0 = byName(found, "interface").get("eth0")!;
  const gateway = byName(found, "gateway").get("host")!;
  expect(eth0).toMatchObject({ id: "eni-old", uuid: isUuid, serial: "sagserial", createdMs: 3 });
  expect(gateway).toMatchObject({ id: "sag-old", serial: "sagserial" });
  expect(eth0.instanceId).toBe(gateway.instanceId);
  expect(eth0.parentId).toBe(byName(found, "subnet").get("10.0.0.0/24")!.id);
  expect(eth0.uuid).not.toBe(gateway.uuid);
  control.close();
});
