/** Reports while the store dies and comes back: what was answered with success is there, the rest was refused. */
import { afterAll, beforeAll, expect, it } from "vitest";

import { type FlowStore, openFlowStore } from "../../query/flow-store.ts";
import { type HuaweiServer, makeStream, startHuaweiServer } from "./fixture.ts";

const outages = 3;
const waitMsMax = 60_000;

let stored: FlowStore;
let server: HuaweiServer;
let stream: string;

beforeAll(async () => {
  stored = await openFlowStore();
  const { store } = stored;
  server = await startHuaweiServer({
    store,
    appendLines: async (logstore, lines, labels) => store.appendLines({ logstore, lines, labels }),
  });
  const { groupId, streamId } = makeStream(server);
  stream = `groups/${groupId}/streams/${streamId}`;
});
afterAll(async () => {
  await server.stop();
  await stored.close();
});

async function report(line: string): Promise<{ status: number; code: unknown }> {
  const target = `/v2/${server.project.id}/lts/${stream}/tenant/contents`;
  const log_time_ns = `${Date.now()}000000`;
  const { status, body } = await server.call("POST", target, { log_time_ns, contents: [line], labels: {} });
  return { status, code: body.error_code };
}

async function findAll(): Promise<Set<string>> {
  const { status, body } = await server.call("POST", `/v2/${server.project.id}/${stream}/content/query`, {
    start_time: Date.now() - 3_600_000,
    end_time: Date.now() + 60_000,
    keywords: "reported",
    limit: 5000,
    highlight: false,
  });
  expect(status).toBe(200);
  return new Set(body.logs.map(({ content }: { content: string }) => content));
}

it(
  "a report that was answered with success is stored, however often the store was killed",
  async () => {
    const acknowledged: string[] = [];
    const refused = new Set<string>();
    let number = 0;
    const client = async (isOver: () => boolean): Promise<void> => {
      while (!isOver()) {
        const line = `reported ${number++}`;
        const { status, code } = await report(line);
        if (status === 200) acknowledged.push(line);
        else refused.add(`${status} ${String(code)}`);
        if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    for (let outage = 0; outage < outages; outage++) {
      const before = acknowledged.length;
      const deadlineMs = performance.now() + waitMsMax;
      const isLate = (): boolean => performance.now() > deadlineMs;
      let acknowledgedAtKill = Number.POSITIVE_INFINITY;
      const isOver = (): boolean => isLate() || acknowledged.length > acknowledgedAtKill + 20;
      const clients = [1, 2, 3, 4].map(async () => client(isOver));
      while (acknowledged.length < before + 20 && !isLate()) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      process.kill(stored.store.status().pid!, "SIGKILL");
      // Calls that were under way when it died may still be answered; those after them are of the next one.
      acknowledgedAtKill = acknowledged.length + clients.length;
      await Promise.all(clients);
      expect(isLate()).toBe(false);
    }
    expect([...refused]).toEqual(["503 LTS.0010"]);
    const found = await findAll();
    expect(acknowledged.filter((line) => !found.has(line))).toEqual([]);
    expect(acknowledged.length).toBeLessThan(5000);
  },
  outages * waitMsMax + 30_000,
);
