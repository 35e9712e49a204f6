import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { ToChild } from "../../src/capture/child/message.ts";
import { createTcpdumpGroup } from "../../src/capture/tcpdump.ts";
import { silentLogger } from "../../src/observe/mod.ts";
import { eventually } from "../support/weir.ts";

let folder: string;
const path = process.env["PATH"];

/** Puts a program in tcpdump's stead. */
function playTcpdump(script: string): void {
  const program = join(folder, "tcpdump");
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "weir-tcpdump-"));
  process.env["PATH"] = `${folder}${delimiter}${path}`;
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
  process.env["PATH"] = path;
  rmSync(folder, { recursive: true });
});

function groupUnderTest() {
  const sent: Extract<ToChild, { type: "chunk" | "chunkDrops" }>[] = [];
  const send = (message: ToChild): void => {
    if (message.type === "chunk" || message.type === "chunkDrops") sent.push(message);
  };
  const group = createTcpdumpGroup({ snapshotBytes: 256, logger: silentLogger, send });
  const textOf = (packetType: number): string[] =>
    sent.flatMap((message) =>
      message.type === "chunk" && message.packetType === packetType
        ? [new TextDecoder().decode(message.bytes)]
        : [],
    );
  return { group, sent, textOf };
}

/** By the real clock: the one that the processes are started again by stands still meanwhile. */
const until = (met: () => boolean): Promise<true> =>
  eventually("it comes to that", 20_000, () => (met() ? true : undefined));

describe("the tcpdump processes", () => {
  it("are started again when they ended by themselves, each stream from its beginning", async () => {
    playTcpdump("printf header");
    const { group, textOf } = groupUnderTest();
    group.capture(["eth0"]);
    for (const packetType of [0, 4]) await until(() => textOf(packetType).includes("header"));
    expect([textOf(0), textOf(4)]).toEqual([
      ["", "header"],
      ["", "header"],
    ]);
    await until(() => {
      vi.advanceTimersByTime(1000);
      return textOf(0).filter((text) => text === "header").length >= 2;
    });
    expect(textOf(0).slice(0, 4)).toEqual(["", "header", "", "header"]);
    await group.stop();
  });

  it("are asked for their drops also after they were all stopped once", async () => {
    playTcpdump(
      `trap 'echo "3 packets dropped by kernel" >&2' USR1; printf header; while :; do sleep 0.05; done`,
    );
    const { group, sent, textOf } = groupUnderTest();
    group.capture(["eth0"]);
    await until(() => textOf(0).includes("header"));
    await group.stop();
    group.capture(["eth0"]);
    sent.length = 0;
    for (const packetType of [0, 4]) await until(() => textOf(packetType).includes("header"));
    vi.advanceTimersByTime(1000);
    await until(() => sent.some(({ type }) => type === "chunkDrops"));
    await group.stop();
  });
});
