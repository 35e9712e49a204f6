import { describe, expect, it } from "vitest";

import { parseEncapsulations } from "../../src/cli/encapsulation-flag.ts";

describe("--decapsulate", () => {
  it("adds what it names to what is looked into anyway, in whatever case", () => {
    expect(parseEncapsulations("vxlan, GTPU,ipInIp")).toEqual({
      ok: true,
      value: { ipInIp: true, vxlan: true, gtpu: true },
    });
  });

  it("takes all, and none", () => {
    const all = parseEncapsulations("all");
    const none = parseEncapsulations("none");
    expect(all.ok && Object.values(all.value)).toEqual(Array.from({ length: 11 }, () => true));
    expect(none.ok && Object.values(none.value)).toEqual(Array.from({ length: 11 }, () => false));
  });

  it("refuses a name that is none", () => {
    for (const text of ["vxlan,ipsec", "", "all,vxlan"]) {
      expect(parseEncapsulations(text), text).toMatchObject({ ok: false, fault: { code: "InputInvalid" } });
    }
  });
});
