import { describe, expect, it } from "vitest";

import { unwrap } from "../../src/base/mod.ts";
import type { Control, DeclaredResource, Resource } from "../../src/control/mod.ts";
import { byName, controlPath, hostOf, hostWith, openTestControl } from "./support.ts";

/** `eth0` in `10.0.0.0/24` in `host`. */
function lineOf(control: Control, resource: Resource | undefined): string {
  if (resource === undefined) return "";
  const parent = control.resources.find(resource.parentId ?? "");
  return parent === undefined ? resource.name : `${resource.name} in ${lineOf(control, parent)}`;
}

function linesOf(control: Control, resources: readonly Resource[]): string[] {
  return resources.filter(({ type }) => type === "interface").map((one) => lineOf(control, one));
}

describe("the tree of resources", () => {
  it("is the host's VPC, a subnet for each network, and the interfaces in them", () => {
    const control = openTestControl();
    const host = hostWith({
      eth0: ["fe80::1/64", "10.0.0.7/24"],
      eth1: ["10.0.0.8/24", "2001:db8::8/64"],
      eth2: ["2001:db8:2::8/64"],
      tun0: [],
    });
    const found = unwrap(control.resources.sync({ hosts: [host] }));
    expect(linesOf(control, found)).toEqual([
      "eth0 in 10.0.0.0/24 in host",
      "eth1 in 10.0.0.0/24 in host",
      "eth2 in 2001:db8:2::/64 in host",
      "tun0 in unnumbered in host",
    ]);
    const subnet = byName(found, "subnet").get("10.0.0.0/24")!;
    expect(subnet.cidrs).toEqual(["10.0.0.0/24", "2001:db8::/64"]);
    const { eth0, vpc } = {
      eth0: byName(found, "interface").get("eth0")!,
      vpc: byName(found, "vpc").get("host")!,
    };
    expect(control.resources.placeOf(eth0.id)).toEqual({
      vpcId: vpc.id,
      subnetId: subnet.id,
      instanceId: byName(found, "gateway").get("host")!.instanceId,
    });
    expect(new Set(found.map(({ uuid }) => uuid)).size).toBe(found.length);
    control.close();
  });

  it("has a bridge's ports in the bridge's subnet", () => {
    const control = openTestControl();
    const host = hostOf([
      { name: "br0", networks: ["172.17.0.1/16"] },
      { name: "veth1", masterName: "br0" },
      { name: "veth2", masterName: "br1" },
    ]);
    expect(linesOf(control, unwrap(control.resources.sync({ hosts: [host] })))).toEqual([
      "br0 in 172.17.0.0/16 in host",
      "veth1 in 172.17.0.0/16 in host",
      "veth2 in unnumbered in host",
    ]);
    control.close();
  });

  it("leaves an interface that is down where it was, and moves one that has a new address", () => {
    const path = controlPath();
    const first = openTestControl({ path });
    const before = unwrap(first.resources.sync({ hosts: [hostWith({ eth0: ["10.0.0.7/24"] })] }));
    const down = unwrap(first.resources.sync({ hosts: [hostWith({ eth0: [] })] }));
    expect(linesOf(first, down)).toEqual(["eth0 in 10.0.0.0/24 in host"]);
    expect(byName(down, "subnet").get("10.0.0.0/24")!.cidrs).toEqual(["10.0.0.0/24"]);
    expect(byName(down, "vpc").get("host")!.cidrs).toEqual(["10.0.0.0/24"]);
    first.close();

    const second = openTestControl({ path });
    const still = unwrap(second.resources.sync({ hosts: [hostWith({ eth0: [] })] }));
    expect(linesOf(second, still)).toEqual(["eth0 in 10.0.0.0/24 in host"]);
    const moved = unwrap(second.resources.sync({ hosts: [hostWith({ eth0: ["10.9.0.7/16"] })] }));
    expect(linesOf(second, moved)).toEqual(["eth0 in 10.9.0.0/16 in host"]);
    const idOf = (found: readonly Resource[]) => byName(found, "interface").get("eth0")!.id;
    expect(idOf(moved)).toBe(idOf(before));
    second.close();
    const third = openTestControl({ path });
    const again = unwrap(third.resources.sync({ hosts: [hostWith({ eth0: ["10.9.0.7/16"] })] }));
    expect(linesOf(third, again)).toEqual(["eth0 in 10.9.0.0/16 in host"]);
    third.close();
  });

  it("covers the interfaces that a VPC, subnet or gateway has now", () => {
    const control = openTestControl();
    const edge = { name: "edge", interfaceNames: ["eth*"] } as const;
    const sync = (networks: Readonly<Record<string, readonly string[]>>): readonly Resource[] =>
      unwrap(control.resources.sync({ hosts: [hostWith(networks)], declared: [edge] }));
    const found = sync({ eth0: ["10.0.0.7/24"], wan0: ["192.0.2.7/24"] });
    const namesIn = (id: string): string[] => control.resources.interfacesOf(id).map(({ name }) => name);
    const vpc = byName(found, "vpc").get("host")!;
    const subnet = byName(found, "subnet").get("10.0.0.0/24")!;
    const gateways = byName(found, "gateway");
    expect(namesIn(vpc.id)).toEqual(["eth0", "wan0"]);
    expect(namesIn(vpc.uuid)).toEqual(["eth0", "wan0"]);
    expect(namesIn(subnet.id)).toEqual(["eth0"]);
    expect(namesIn(gateways.get("host")!.id)).toEqual(["eth0", "wan0"]);
    expect(namesIn(gateways.get("edge")!.id)).toEqual(["eth0"]);
    sync({ eth0: ["10.0.0.7/24"], eth5: ["10.0.0.9/24"] });
    expect(namesIn(vpc.id)).toEqual(["eth0", "eth5"]);
    expect(namesIn(subnet.id)).toEqual(["eth0", "eth5"]);
    expect(namesIn("vpc-none")).toEqual([]);
    control.close();
  });
});

describe("declared resources", () => {
  const declared: readonly DeclaredResource[] = [
    { type: "vpc", name: "production", id: "vpc-prod", cidrs: ["10.0.0.0/8"] },
    { type: "subnet", name: "web", id: "vsw-web", vpc: "production", cidrs: ["10.1.0.0/16"] },
    { type: "subnet", name: "lab", interfaceNames: ["lab*"] },
    { type: "interface", interfaceName: "eth1", name: "uplink", subnet: "lab" },
  ];
  const host = hostWith({
    eth0: ["10.1.2.3/24"],
    eth1: ["10.1.2.4/24"],
    eth2: ["10.2.0.1/24"],
    lab7: ["10.1.9.9/24"],
  });

  it("go before what is found", () => {
    const control = openTestControl();
    const found = unwrap(control.resources.sync({ hosts: [host], declared }));
    // By address, by an interface's own word, by neither, and by name.
    expect(linesOf(control, found)).toEqual([
      "eth0 in web in production",
      "uplink in lab in host",
      "eth2 in 10.2.0.0/24 in host",
      "lab7 in lab in host",
    ]);
    expect(control.resources.find("vpc-prod")).toMatchObject({ type: "vpc", cidrs: ["10.0.0.0/8"] });
    expect(control.resources.interfacesOf("vsw-web").map(({ name }) => name)).toEqual(["eth0"]);
    control.close();
  });

  it("keep the id that they have, and say so where another is given", () => {
    const control = openTestControl();
    const sync = (id?: string) =>
      control.resources.sync({
        hosts: [host],
        declared: [{ type: "vpc", name: "production", ...(id === undefined ? {} : { id }) }],
      });
    const found = byName(unwrap(sync()), "vpc");
    const { id } = found.get("production")!;
    expect(sync(id).ok).toBe(true);
    expect(sync("vpc-another")).toMatchObject({
      fault: { code: "ConfigInvalid", value: "vpc-another", allowed: expect.stringContaining(id) },
    });
    expect(sync(found.get("host")!.id)).toMatchObject({ fault: { code: "ConfigInvalid" } });
    control.close();
  });

  it("may not share an id", () => {
    const control = openTestControl();
    const twins: readonly DeclaredResource[] = [
      { type: "vpc", name: "one", id: "vpc-same" },
      { type: "vpc", name: "two", id: "vpc-same" },
    ];
    expect(control.resources.sync({ hosts: [host], declared: twins })).toMatchObject({
      fault: { code: "ConfigInvalid", value: "vpc-same" },
    });
    expect(control.resources.all()).toEqual([]);
    control.close();
  });
});
