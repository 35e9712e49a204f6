import { describe, expect, it } from "vitest";

import { createShutdown } from "../../src/app/shutdown.ts";
import { silentLogger } from "../../src/observe/mod.ts";

describe("createShutdown()", () => {
  it("stops the last first, goes on after a failure, and runs once", async () => {
    const stopped: string[] = [];
    const shutdown = createShutdown(silentLogger);
    shutdown.add("first", () => void stopped.push("first"));
    shutdown.add("broken", () => Promise.reject(new Error("no")));
    shutdown.add("last", async () => {
      await Promise.resolve();
      stopped.push("last");
    });
    await Promise.all([shutdown.run(), shutdown.run()]);
    expect(stopped).toEqual(["last", "first"]);
  });
});
