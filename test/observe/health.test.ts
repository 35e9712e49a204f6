import { describe, expect, it } from "vitest";

import { createHealth, healthy, unhealthy } from "../../src/observe/mod.ts";

describe("createHealth()", () => {
  it("is ready when nothing is registered", () => {
    expect(createHealth().ready()).toEqual({ ready: true, checks: {} });
  });

  it("is ready only while every part is, and says what each says", () => {
    const health = createHealth();
    let isStoreUp = false;
    health.register("capture", () => healthy);
    health.register("store", () => (isStoreUp ? healthy : unhealthy("the store is starting")));
    expect(health.ready()).toEqual({
      ready: false,
      checks: { capture: "ok", store: "the store is starting" },
    });
    isStoreUp = true;
    expect(health.ready()).toEqual({ ready: true, checks: { capture: "ok", store: "ok" } });
  });
});
