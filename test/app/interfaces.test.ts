import { describe, expect, it } from "vitest";

import { selectInterfaces } from "../../src/app/interfaces.ts";

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
