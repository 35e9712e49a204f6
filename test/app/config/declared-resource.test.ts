/** Resources that the configuration declares: held to what each type is, and taken over as they are written. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { loadConfiguration } from "../../../src/app/config/mod.ts";
import { declaredResources } from "../../../src/app/resources.ts";
import { unwrap } from "../../../src/base/mod.ts";
import { hostWith, openTestControl } from "../../control/support.ts";
import { scratchFolder } from "../../support/scratch.ts";

const load = (text: string) => {
  const file = join(scratchFolder("config"), "weir.yaml");
  writeFileSync(file, `resources:\n${text}`);
  return loadConfiguration({ file, environment: {}, flags: [] });
};

describe("declared resources", () => {
  it("are where the host's interfaces are", () => {
    const { configuration } = unwrap(
      load(`
  - { type: vpc, name: production, id: vpc-production, region: eu-central-1, cidrs: [10.0.0.0/8] }
  - { type: subnet, name: web, id: vsw-web, vpc: production, cidrs: [10.1.0.0/16, "2001:db8::/32"] }
  - { type: subnet, name: containers, interfaces: ["veth*"] }
  - { type: interface, name: uplink, interface: eth9, subnet: web, description: to the world }
  - { name: edge, interfaces: [eth*], serial: s-1 }
`),
    );
    const control = openTestControl();
    const host = hostWith({ eth0: ["10.1.2.3/24"], eth9: ["192.0.2.7/24"], veth1: [] });
    const declared = unwrap(declaredResources(configuration, control.accounts));
    unwrap(control.resources.sync({ hosts: [host], declared }));
    const namesIn = (id: string) => control.resources.interfacesOf(id).map(({ name }) => name);
    expect(namesIn("vsw-web")).toEqual(["eth0", "uplink"]);
    expect(control.resources.find("vpc-production")).toMatchObject({
      name: "production",
      regionId: "eu-central-1",
      cidrs: ["10.0.0.0/8"],
    });
    const find = (name: string) => control.resources.all().find((one) => one.name === name)!;
    expect(namesIn(find("containers").id)).toEqual(["veth1"]);
    expect(find("uplink")).toMatchObject({ description: "to the world", regionId: "eu-central-1" });
    expect(find("edge")).toMatchObject({ type: "gateway", serial: "s-1", flowLogSupport: "full" });
    expect(namesIn(find("edge").id)).toEqual(["eth0", "uplink"]);
    control.close();
  });

  it("are of the account that they name, which has to be there", () => {
    const { configuration } = unwrap(
      load(`
  - { type: vpc, name: tenant, account: tenant }
  - { type: subnet, name: tenant-web, vpc: tenant, interfaces: [eth2] }
  - { name: tenant-edge, account: tenant, interfaces: [eth2] }
`),
    );
    const control = openTestControl();
    expect(declaredResources(configuration, control.accounts)).toMatchObject({
      fault: { code: "ConfigInvalid", field: "resources[0].account", value: "tenant" },
    });
    const { id: accountId } = unwrap(control.accounts.create("tenant"));
    const declared = unwrap(declaredResources(configuration, control.accounts));
    unwrap(control.resources.sync({ hosts: [hostWith({ eth2: ["10.0.0.7/24"] })], declared }));
    const owned = control.resources.list({ accountId, regionId: control.regionId });
    expect(owned.map(({ name }) => name).sort()).toEqual(["eth2", "tenant", "tenant-edge", "tenant-web"]);
    control.close();
  });

  it.for([
    ["- { type: subnet, name: a, account: b }", "resources[0].account", "is no setting of a subnet"],
    ["- { type: vpc, name: a, interfaces: [eth0] }", "resources[0].interfaces", "is no setting of a vpc"],
    ["- { name: a, cidrs: [10.0.0.0/8] }", "resources[0].cidrs", "is no setting of a gateway"],
    ["- { type: interface, name: a }", "resources[0].interface", "is missing"],
    ["- { type: vpc, name: a, id: vsw-a }", "resources[0].id", "must begin with vpc-"],
    ["- { type: subnet, name: a, vpc: b }", "resources[0].vpc", "is no declared VPC"],
    [
      "- { type: interface, name: a, interface: eth0, subnet: b }",
      "resources[0].subnet",
      "is no declared subnet",
    ],
    [
      "- { type: vpc, name: a }\n  - { type: vpc, name: a }",
      "resources[1].name",
      "is the name of another vpc",
    ],
    [
      "- { type: interface, name: a, interface: eth0 }\n  - { type: interface, name: b, interface: eth0 }",
      "resources[1].interface",
      "is declared twice",
    ],
    ["- { type: subnet, name: a, cidrs: [10.0.0.0] }", "resources[0].cidrs[0]", "10.0.0.0"],
    ["- { type: port, name: a }", "resources[0].type", "one of vpc, subnet, interface, gateway"],
  ] as const)("as %s are refused", ([text, field, sentence]) => {
    const loaded = load(`  ${text}\n`);
    expect(loaded).toMatchObject({ fault: { code: "ConfigInvalid", field } });
    expect(loaded.ok ? "" : loaded.fault.message).toContain(sentence);
  });
});
