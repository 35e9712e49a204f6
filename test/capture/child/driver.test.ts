import { describe, expect, it } from "vitest";

import { ringConfig } from "../../../src/capture/child/driver.ts";
import { defaultCaptureConfig } from "../../../src/capture/config.ts";

const megabyte = 1024 * 1024;

describe("the memory of the rings", () => {
  it("is what was asked for on the first interface, however much that is", () => {
    const config = { ...defaultCaptureConfig, ringBytes: 1024 * megabyte };
    expect(ringConfig(config, 0).ringBytes).toBe(1024 * megabyte);
    expect(ringConfig(config, 1).ringBytes).toBe(2 * megabyte);
  });

  it("is bounded over many interfaces", () => {
    const sizes = Array.from({ length: 40 }, (_, open) => ringConfig(defaultCaptureConfig, open).ringBytes);
    expect(sizes.filter((bytes) => bytes === 32 * megabyte)).toHaveLength(16);
    expect(sizes.at(-1)).toBe(2 * megabyte);
  });
});
