import { expect, it, vi } from "vitest";

import { createStoreConsumer } from "../../src/app/store-load.ts";
import type { Configuration } from "../../src/app/config/mod.ts";
import { fault, ok, unwrap } from "../../src/base/mod.ts";
import { storeSinkName } from "../../src/sink/store/mod.ts";

const shutdown = { run: vi.fn(() => Promise.resolve()) };
const broken = fault("DataDirectoryUnusable", "the store's directory cannot be written");

vi.mock("../../src/app/system.ts", () => ({
  openStorePath: () =>
    Promise.resolve(
      ok({
        control: {
          regionId: "cn-shanghai",
          accounts: { default: { id: "1" } },
          logProjects: { ensure: () => ok({ id: 1 }) },
        },
        spool: { status: () => ({ sinks: [{ name: storeSinkName, pending: 1 }] }) },
        storeSink: { wake: () => undefined, status: () => ({ fault: broken }) },
        data: { agentId: "agent-1" },
        shutdown,
      }),
    ),
}));

it("stops what it started when the store fails for good, and says why", async () => {
  const consumer = unwrap(
    await createStoreConsumer({ configuration: {} as Configuration, project: "p", logstore: "l" }),
  );
  await expect(consumer.close()).rejects.toThrow(broken.message);
  expect(shutdown.run).toHaveBeenCalledOnce();
  expect(consumer.statistics()).toMatchObject({ flowsStored: 0 });
});
