/**
 * The fallback where the ring cannot be had: two tcpdump processes an interface, one a direction, whose
 * output goes unparsed to the capture process. They are started here because that process has given up the
 * privilege to start them. Their kernel drops are what tcpdump tells on SIGUSR1; it counts both directions
 * in each of the two, so drops are an upper bound and the ring's exactness is not reached.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";

import { type Fault, fault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { adoptChild, type ChildRegister } from "../process/mod.ts";
import type { ToChild } from "./child/message.ts";
import { privilegeMissing } from "./privilege.ts";
import { packetTypes } from "./ring/layout.ts";

export interface TcpdumpGroup {
  /** Starts and ends processes so that these interfaces are captured. */
  capture(interfaceNames: readonly string[]): void;
  /** The capture process has taken a piece of this stream. */
  taken(interfaceName: string, packetType: number): void;
  /** Ends all; resolves when what they wrote has been sent. */
  stop(): Promise<void>;
}

export interface TcpdumpDeps {
  readonly snapshotBytes: number;
  readonly logger: Logger;
  readonly send: (message: ToChild) => void;
  readonly children?: ChildRegister;
}

interface Stream {
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  unanswered: number;
}

/** Pieces sent and not taken yet; beyond it the pipe is not read, tcpdump waits, and the kernel drops. */
const unansweredMax = 16;
const countsEveryMs = 1000;
const restartEveryTicks = 5;

const directions = [
  { option: "in", packetType: packetTypes.host },
  { option: "out", packetType: packetTypes.outgoing },
] as const;

/** Why tcpdump cannot capture here; undefined if it can. */
export function tcpdumpObstacle(): Fault | undefined {
  if (spawnSync("tcpdump", ["--version"], { stdio: "ignore" }).error !== undefined) {
    return fault("KernelFeatureMissing", "there is no tcpdump", { remedy: "sudo apt install tcpdump" });
  }
  return process.geteuid?.() === 0 ? undefined : privilegeMissing("tcpdump needs it too");
}

export function createTcpdumpGroup(deps: TcpdumpDeps): TcpdumpGroup {
  const streams = new Map<string, Stream>();
  let wanted: readonly string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let ticks = 0;
  const startMissing = (): void => {
    for (const interfaceName of wanted) {
      for (const { option, packetType } of directions) {
        const name = `${interfaceName} ${packetType}`;
        if (!streams.has(name)) start(streams, deps, name, interfaceName, option, packetType);
      }
    }
  };
  const tick = (): void => {
    for (const { child } of streams.values()) child.kill("SIGUSR1");
    // tcpdump ends when its interface goes down or away.
    if (++ticks % restartEveryTicks === 0) startMissing();
  };
  const end = (name: string): Promise<void> => {
    const stream = streams.get(name)!;
    streams.delete(name);
    stream.child.stdout?.resume();
    stream.child.kill("SIGTERM");
    return stream.ended;
  };
  return {
    capture(interfaceNames) {
      wanted = interfaceNames;
      timer ??= setInterval(tick, countsEveryMs).unref();
      for (const name of streams.keys()) {
        if (!interfaceNames.includes(name.split(" ")[0]!)) void end(name);
      }
      startMissing();
    },
    taken(interfaceName, packetType) {
      const stream = streams.get(`${interfaceName} ${packetType}`);
      if (stream !== undefined && --stream.unanswered < unansweredMax) stream.child.stdout?.resume();
    },
    async stop() {
      wanted = [];
      clearInterval(timer);
      timer = undefined;
      await Promise.all([...streams.keys()].map(end));
    },
  };
}

function start(
  streams: Map<string, Stream>,
  deps: TcpdumpDeps,
  name: string,
  interfaceName: string,
  direction: string,
  packetType: number,
): void {
  const options = [
    "-i",
    interfaceName,
    "-n",
    "-U",
    "-s",
    String(deps.snapshotBytes),
    "-Q",
    direction,
    "-w",
    "-",
  ];
  const child = spawn("tcpdump", options, { stdio: ["ignore", "pipe", "pipe"] });
  // On a quiet interface it would not notice for a long time that nobody reads what it writes.
  adoptChild("tcpdump", child, deps.children);
  // An empty piece ends the stream before: a tcpdump begins with a file header.
  deps.send({ type: "chunk", interfaceName, packetType, bytes: new Uint8Array(0) });
  // The last words of one that is ended are no part of its successor's stream.
  const isSucceeded = (): boolean => (streams.get(name)?.child ?? child) !== child;
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => {
      if (streams.get(name)?.child === child) streams.delete(name);
      resolve();
    });
  });
  const stream: Stream = { child, ended, unanswered: 0 };
  streams.set(name, stream);
  child.on("error", (error) => deps.logger.error({ error: error.message }, "cannot start tcpdump"));
  child.stdout.on("data", (bytes: Uint8Array) => {
    if (isSucceeded()) return;
    deps.send({ type: "chunk", interfaceName, packetType, bytes });
    if (++stream.unanswered >= unansweredMax) child.stdout.pause();
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-1000);
    const drops = /(\d+) packets? dropped by kernel(?![\s\S]*dropped by kernel)/u.exec(said)?.[1];
    if (drops !== undefined && !isSucceeded())
      deps.send({ type: "chunkDrops", interfaceName, packetType, drops: Number(drops) });
  });
  child.once("exit", (code) => {
    if (code !== 0 && streams.get(name)?.child === child) {
      deps.logger.warn({ interface: interfaceName, code, said: said.trim() }, "tcpdump ended");
    }
  });
}
