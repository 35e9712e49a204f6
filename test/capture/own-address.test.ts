import { describe, expect, it } from "vitest";

import { parseAddress, unwrap } from "../../src/base/mod.ts";
import { createAddressSet, hasAddress, ownAddressSet } from "../../src/capture/own-address.ts";

function bytesOf(text: string): Uint8Array {
  return unwrap(parseAddress(text));
}

function wordsOf(text: string): Uint32Array {
  return new Uint32Array(bytesOf(text).slice().buffer);
}

describe("a set of addresses", () => {
  it("holds exactly what was put in, however many", () => {
    const inside = Array.from({ length: 500 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    const set = createAddressSet([...inside, ...inside].map(bytesOf));
    for (const address of inside) expect(hasAddress(set, wordsOf(address), 0)).toBe(true);
    for (let index = 0; index < 500; index++) {
      expect(hasAddress(set, wordsOf(`10.1.${index >> 8}.${index & 255}`), 0)).toBe(false);
    }
  });

  it("is asked at any place of an address column", () => {
    const set = createAddressSet([bytesOf("2001:db8::7")]);
    const words = new Uint32Array([...wordsOf("2001:db8::1"), ...wordsOf("2001:db8::7")]);
    expect(hasAddress(set, words, 0)).toBe(false);
    expect(hasAddress(set, words, 4)).toBe(true);
  });

  it("holds loopback and the unspecified addresses for every host", () => {
    const set = ownAddressSet([]);
    for (const address of ["127.0.0.1", "::1", "0.0.0.0", "::"]) {
      expect(hasAddress(set, wordsOf(address), 0)).toBe(true);
    }
    expect(hasAddress(set, wordsOf("192.0.2.1"), 0)).toBe(false);
  });
});
