import { BlockList, isIPv6 } from "node:net";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { isRoutable, networkContains, networkText, parseNetwork } from "../../src/control/network.ts";

const textOf = (text: string): string | undefined => {
  const network = parseNetwork(text);
  return network === null ? undefined : networkText(network);
};

describe("a network", () => {
  it.for([
    ["10.1.2.3/24", "10.1.2.0/24"],
    ["10.1.2.3/32", "10.1.2.3/32"],
    ["10.1.2.3/0", "0.0.0.0/0"],
    ["10.1.2.3/9", "10.0.0.0/9"],
    ["2001:db8:1:2:3::7/64", "2001:db8:1:2::/64"],
    ["2001:db8::7/128", "2001:db8::7/128"],
    ["2001:db8::7/0", "::/0"],
  ] as const)("%s is %s", ([text, expected]) => {
    expect(textOf(text)).toBe(expected);
  });

  it.for(["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "::/", "::/-1", "10.0.0.0/8/8", "eth0/24"])(
    "is not %j",
    (text) => {
      expect(parseNetwork(text)).toBeNull();
    },
  );

  it("contains what the platform's own list of networks contains", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6());
    const bitsOf = (text: string): number => (isIPv6(text) ? 128 : 32);
    const pair = fc
      .tuple(address, address)
      .filter(([one, other]) => isIPv6(one) === isIPv6(other))
      .chain(([one, other]) => fc.tuple(fc.constant(one), fc.constant(other), fc.nat(bitsOf(one))));
    fc.assert(
      fc.property(pair, ([one, other, bits]) => {
        const outer = parseNetwork(`${one}/${bits}`);
        const inner = parseNetwork(`${other}/${bitsOf(other)}`);
        // IPv4 inside IPv6 text is IPv4 to the one and IPv6 to the other.
        fc.pre(outer !== null && inner !== null && !/[.]/u.test(isIPv6(one) ? one + other : ""));
        const family = isIPv6(one) ? "ipv6" : "ipv4";
        const list = new BlockList();
        list.addSubnet(one, bits, family);
        expect(networkContains(outer, inner)).toBe(list.check(other, family));
      }),
    );
  });

  it("of one link alone tells no interfaces apart", () => {
    const routable = ["10.0.0.0/8", "fe80::1/64", "169.254.3.4/16", "127.0.0.1/8", "::1/128", "fd00::1/64"];
    expect(routable.filter((text) => isRoutable(parseNetwork(text)!))).toEqual(["10.0.0.0/8", "fd00::1/64"]);
  });
});
