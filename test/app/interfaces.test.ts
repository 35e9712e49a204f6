import type { NetworkInterfaceInfo } from "node:os";

import { describe, expect, it } from "vitest";

import type { HostInterface } from "../../src/capture/mod.ts";
import { discoveredInterfaces, selectInterfaces } from "../../src/app/interfaces.ts";

const names = ["lo", "eth0", "eth1", "veth.a+b", "docker0"];

describe("selectInterfaces()", () => {
  it.for([
    [["*"], [], names],
    [["eth*"], [], ["eth0", "eth1"]],
    [["*"], ["veth*", "lo"], ["eth0", "eth1", "docker0"]],
    [["eth0"], ["eth0"], []],
    [[], [], []],
    [["veth.a+b"], [], ["veth.a+b"]],
    [["eth."], [], []],
  ] as [string[], string[], string[]][])("takes %j without %j", ([include, exclude, expected]) => {
    expect(selectInterfaces(names, { include, exclude })).toEqual(expected);
  });
});

it("discoveredInterfaces() tells each device's networks, and the bridge or bond that it is a port of", () => {
  const device = (name: string, kind: HostInterface["kind"], upperNames: readonly string[] = []) => ({
    name,
    kind,
    upperNames,
    index: 1,
    macAddress: "",
    addresses: [],
    up: true,
    lowerNames: [],
  });
  const address = (cidr: string | null) => ({ cidr }) as NetworkInterfaceInfo;
  const devices = [
    device("br0", "bridge"),
    device("veth1", "veth", ["br0"]),
    device("eth1", "physical", ["bond0"]),
    device("bond0", "bond"),
    device("eth0.10", "vlan"),
  ];
  const addresses = {
    br0: [address("172.17.0.1/16"), address("fe80::1/64")],
    "eth0.10": [address("10.10.0.7/24")],
    bond0: [address(null)],
  };
  expect(discoveredInterfaces(devices, addresses)).toEqual([
    { name: "br0", networks: ["172.17.0.1/16", "fe80::1/64"] },
    { name: "veth1", networks: [], masterName: "br0" },
    { name: "eth1", networks: [], masterName: "bond0" },
    { name: "bond0", networks: [] },
    { name: "eth0.10", networks: ["10.10.0.7/24"] },
  ]);
});
