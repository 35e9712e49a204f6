/**
 * Capture by several workers: each is a capture process of its own, with a ring of its own on every interface. The
 * rings of one interface form a group (PACKET_FANOUT), among which the kernel shares the packets, all of a flow to one.
 *
 * What a worker says of itself is its share; a window is told once all have spoken of it.
 */
import { type Fault, ok, type Result } from "../base/mod.ts";
import { type Capture, type CaptureDeps, createCapture } from "./capture.ts";
import { type CaptureConfig, defaultCaptureConfig } from "./config.ts";
import { createJointWindows, type JointWindows } from "./joint-windows.ts";
import { joinStatus } from "./joint-status.ts";
import type { CapturePlan, CaptureStatus } from "./plan.ts";

interface Group {
  readonly workers: readonly Capture[];
  readonly windows: JointWindows;
  /** All have been started: from now on one that cannot work ends the capture of all. */
  started: boolean;
  /** Why the capture of all was ended; undefined while it was not. */
  halted: Fault | undefined;
}

/** A capture of as many workers as `given` asks for; settings that it leaves out have their defaults. */
export function createWorkerGroup(given: Partial<CaptureConfig>, deps: CaptureDeps): Capture {
  const config: CaptureConfig = { ...defaultCaptureConfig, ...given };
  const sharesRings = config.method === "auto" || config.method === "ring";
  if (config.workers === 1 || !sharesRings) return createCapture(given, deps);
  const group = createGroup(config, deps);
  return {
    start: () => start(group),
    apply: (plan) => apply(group, plan),
    status: () => statusOf(group),
    stop() {
      group.started = false;
      group.halted = undefined;
      return stop(group);
    },
  };
}

function createGroup(config: CaptureConfig, deps: CaptureDeps): Group {
  const count = config.workers;
  const windows = createJointWindows({ ...deps, workers: count });
  const share = { group: randomGroup(), workers: count };
  const ringsBytesMax = Math.floor(config.ringsBytesMax / count);
  // tcpdump, which might take the ring's place, would show every worker all packets.
  const ofWorker: CaptureConfig = { ...config, method: "ring", ringsBytesMax };
  const group: Group = {
    windows,
    workers: Array.from({ length: count }, (_, number) =>
      createCapture(
        ofWorker,
        { ...deps, logger: deps.logger.child({ worker: number }) },
        {
          ...windows.ofWorker(number),
          share,
          name: `${number}`,
          onUnavailable() {
            if (group.started) void halt(group);
          },
        },
      ),
    ),
    started: false,
    halted: undefined,
  };
  return group;
}

/** Groups of other programs on the same interface have numbers too. */
function randomGroup(): number {
  return crypto.getRandomValues(new Uint16Array(1))[0]!;
}

async function start(group: Group): Promise<Result<CaptureStatus>> {
  group.halted = undefined;
  const reason = firstFault(await Promise.all(group.workers.map((worker) => worker.start())));
  group.started = true;
  // One may have failed since it started, while others had not yet. One that is slow still comes up.
  if (statusOf(group).state === "unavailable") await halt(group);
  return reason === undefined ? ok(statusOf(group)) : { ok: false, fault: reason };
}

async function apply(group: Group, plan: CapturePlan): Promise<Result<CaptureStatus>> {
  const { workers, windows } = group;
  windows.follow(plan);
  const share = shareOf(plan, workers.length);
  const reason = firstFault(await Promise.all(workers.map((worker) => worker.apply(share))));
  windows.letGo();
  return reason === undefined ? ok(statusOf(group)) : { ok: false, fault: reason };
}

/** The plan of one worker: room for its share of the flows. */
function shareOf(plan: CapturePlan, workers: number): CapturePlan {
  const subjects = plan.subjects.map((subject) => ({
    ...subject,
    flowsMax: Math.ceil(subject.flowsMax / workers),
  }));
  return { ...plan, subjects };
}

/** One cannot work: half a capture would say SKIPDATA for ever. Its reason stands for all until the next start. */
async function halt(group: Group): Promise<void> {
  const { workers, windows } = group;
  group.halted ??= workers.find((worker) => worker.status().state === "unavailable")?.status().fault;
  const others = workers.filter((worker) => worker.status().state !== "unavailable");
  await Promise.all(others.map((worker) => worker.stop()));
  await windows.finish();
}

async function stop({ workers, windows }: Group): Promise<void> {
  await Promise.all(workers.map((worker) => worker.stop()));
  await windows.finish();
}

function statusOf({ workers, windows, halted }: Group): CaptureStatus {
  const status = joinStatus(
    workers.map((worker) => worker.status()),
    (subject) => windows.statusOf(subject),
  );
  return halted === undefined ? status : { ...status, state: "unavailable", method: null, fault: halted };
}

/** That of a worker that cannot work rather than that of one that is slow. */
function firstFault(results: readonly Result<CaptureStatus>[]): Fault | undefined {
  const faults = results.flatMap((result) => (result.ok ? [] : [result.fault]));
  return faults.find(({ code }) => code !== "Timeout") ?? faults[0];
}
