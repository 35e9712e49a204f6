import { isIP } from "node:net";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { formatAddress, parseAddress, parseIpv4, parseIpv6, unwrap } from "../../src/base/mod.ts";

describe("parseAddress() and formatAddress()", () => {
  // RFC 5952 sections 4 and 5: the text on the right is the one recommended form.
  it.for([
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:DB8::1", "2001:db8::1"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["fe80:0:0:0:0:0:0:0", "fe80::"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["192.0.2.255", "192.0.2.255"],
  ])("write %s as %s", ([text, expected]) => {
    expect(formatAddress(unwrap(parseAddress(text!)))).toBe(expected);
  });

  it.for([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "01.2.3.4",
    "127.1",
    "0x7f.0.0.1",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "12345::",
    "::1.2.3",
    "fe80::1%eth0",
    "1.2.3.4::",
    "g::",
  ])("refuse %s", (text) => {
    expect(parseAddress(text)).toMatchObject({ ok: false, fault: { code: "InputInvalid", value: text } });
  });

  it("agree with the platform's parser on every text that looks like an address", () => {
    const group = fc.oneof(
      fc.constant("0"),
      fc.constant(""),
      fc.stringMatching(/^[0-9a-f]{1,5}$/u),
      fc.ipV4(),
    );
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(group, { minLength: 1, maxLength: 9 }).map((groups) => groups.join(":")),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        expect(parseIpv4(candidate) !== null, candidate).toBe(isIP(candidate) === 4);
        expect(parseIpv6(candidate) !== null, candidate).toBe(isIP(candidate) === 6);
      }),
      { numRuns: 5000 },
    );
  });

  it("give back any 16 bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const text = formatAddress(bytes);
        expect(unwrap(parseAddress(text))).toEqual(bytes);
      }),
    );
  });
});
