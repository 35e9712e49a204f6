/** How a session is driven: by the ring's poll, or by a timer where the packets are brought from outside. */
import { type Fault, fault, ok, type Result, systemClock } from "../../base/mod.ts";
import { type Libc, loadLibc } from "../../libc/mod.ts";
import type { CaptureConfig } from "../config.ts";
import { assignedAddresses } from "../own-address.ts";
import type { CaptureMethod, PrivilegeReport } from "../plan.ts";
import { handedOverDescriptor, logSocketOf } from "../nflog/log-socket.ts";
import { verdictDefaults } from "../nflog/verdict-options.ts";
import { createVerdictSource, verdictSlackMs } from "../nflog/verdict-source.ts";
import { dropAllPrivileges, dropCapabilities, dropPrivileges } from "../privilege.ts";
import { openRing, type RingShare } from "../ring/ring.ts";
import { createFedTap, type FedTap, openRingTap } from "../tap.ts";
import type { FromChild, ToChild } from "./message.ts";
import { createPcapFeed, type PcapFeed } from "./pcap-feed.ts";
import { openReplay } from "./replay.ts";
import { startRingLoop } from "./ring-loop.ts";
import { createSession, type Session, type SessionDeps } from "./session.ts";

type FeedMessage = Extract<ToChild, { type: "chunk" | "chunkDrops" }>;

export interface Driver {
  readonly session: Session;
  readonly privileges: PrivilegeReport;
  run(): void;
  stop(): void;
  /** Takes what a tcpdump brought. */
  feed(message: FeedMessage): void;
}

export interface DriverDeps extends Pick<SessionDeps, "origin" | "sendBatch" | "sendAccounted"> {
  readonly config: CaptureConfig;
  /** Where others read the same interfaces; with rings only. */
  readonly share?: RingShare | undefined;
  readonly send: (message: FromChild) => void;
}

const tickMs = 500;
const statusEveryTicks = 2;
const rearmEveryTicks = 10;
/** tcpdump hands packets over a second after they came, at the latest; what is silent is told after that. */
const tcpdumpDelayMs = 2000;

/** Drops the privileges of this process and makes its session; faults as Capture.start(). */
export function createDriver(method: CaptureMethod, deps: DriverDeps): Promise<Result<Driver>> {
  const starters = {
    ring: createRingDriver,
    tcpdump: createFedDriver,
    replay: createReplayDriver,
    nflog: createVerdictDriver,
  };
  return Promise.resolve(starters[method](deps));
}

async function createRingDriver(deps: DriverDeps): Promise<Result<Driver>> {
  const { config, share } = deps;
  const loaded = await loadLibc();
  if (!loaded.ok) return loaded;
  const libc = loaded.value;
  const dropped = dropPrivileges(libc, config.userId, config.groupId);
  if (!dropped.ok) return dropped;
  const probed = openRing(libc, 0, { ...config, ringBytes: 0 });
  if (!probed.ok) return probed;
  probed.value.close();
  const session: Session = createSession({
    ...deps,
    encapsulations: deps.config.encapsulations,
    clock: systemClock,
    assignedAddresses: () => libc.interfaceAddresses(),
    tapsWhatIsUp: share !== undefined,
    tellsWindows: share !== undefined,
    workers: share?.workers,
    openTap: (device, intake) =>
      openRingTap(libc, device.name, intake, { ...ringConfig(config, session.taps.taps.size), share }),
  });
  return ok(driveByPoll(libc, session, dropped.value, deps));
}

/** The socket was opened and set up by the main process; to read from it takes no privilege. */
async function createVerdictDriver(deps: DriverDeps): Promise<Result<Driver>> {
  const { config } = deps;
  const { snapshotBytes, waitMs } = verdictDefaults;
  const loaded = await loadLibc();
  if (!loaded.ok) return loaded;
  const libc = loaded.value;
  const dropped = dropCapabilities(libc, config.userId, config.groupId);
  if (!dropped.ok) return dropped;
  const nowUs = (): number => Date.now() * 1000;
  const socket = logSocketOf(libc, handedOverDescriptor);
  const source = createVerdictSource(socket, { libc, snapshotBytes, waitMs, nowUs });
  const session = createSession({
    ...deps,
    encapsulations: config.encapsulations,
    clock: systemClock,
    assignedAddresses: () => libc.interfaceAddresses(),
    openTap: (device, intake) => ok(source.openTap(device.name, intake)),
  });
  // Half of the time for which a packet may be under way, as it is with a ring.
  const retireTimeoutMs = (waitMs + verdictSlackMs) / 2;
  const driver = driveByPoll(libc, session, dropped.value, {
    ...deps,
    config: { ...config, retireTimeoutMs },
  });
  return ok({
    ...driver,
    stop() {
      driver.stop();
      source.end();
    },
  });
}

/** The rings of many interfaces must not take the host's memory; the first has what was asked for in any case. */
export function ringConfig(config: CaptureConfig, ringsOpen: number): CaptureConfig {
  const { ringBytes, ringsBytesMax, smallRingBytes } = config;
  if (ringsOpen === 0 || (ringsOpen + 1) * ringBytes <= ringsBytesMax) return config;
  return { ...config, ringBytes: Math.min(ringBytes, smallRingBytes) };
}

function driveByPoll(libc: Libc, session: Session, privileges: PrivilegeReport, deps: DriverDeps): Driver {
  const onTick = everyTick(session, deps);
  let stop = (): void => undefined;
  return {
    session,
    privileges,
    run() {
      // The channel's descriptor is there, though Node's types leave it out.
      const channelDescriptor = (process.channel as unknown as { readonly fd: number }).fd;
      const loop = startRingLoop({ ...deps.config, libc, session, channelDescriptor, tickMs, onTick });
      stop = () => loop.stop();
    },
    stop: () => stop(),
    feed: () => undefined,
  };
}

function createFedDriver(deps: DriverDeps): Result<Driver> {
  const dropped = dropAllPrivileges(deps.config.userId, deps.config.groupId);
  if (!dropped.ok) return dropped;
  const taps = new Map<string, FedTap>();
  const session = createSession({
    ...deps,
    encapsulations: deps.config.encapsulations,
    clock: systemClock,
    lossDelayMs: tcpdumpDelayMs,
    assignedAddresses,
    openTap(device, intake) {
      const tap = createFedTap(device.name, intake);
      taps.set(device.name, tap);
      return ok(tap);
    },
  });
  const nowUs = (): number => (Date.now() - tcpdumpDelayMs) * 1000;
  const driver = driveByTimer(session, dropped.value, deps, nowUs, tickMs);
  return ok({ ...driver, feed: feedTaps(taps, deps) });
}

/** Each direction of an interface is a stream of its own, with its own file header and its own drops. */
function feedTaps(taps: ReadonlyMap<string, FedTap>, deps: DriverDeps): Driver["feed"] {
  const feeds = new Map<string, PcapFeed>();
  /** Of the tcpdump that runs, and of those before it. */
  const drops = new Map<string, { now: number; before: number }>();
  return (message) => {
    const { interfaceName, packetType } = message;
    const tap = taps.get(interfaceName);
    const stream = `${interfaceName} ${packetType}`;
    if (message.type === "chunkDrops") {
      drops.set(stream, { now: message.drops, before: drops.get(stream)?.before ?? 0 });
      const both = [...drops].filter(([name]) => name.startsWith(`${interfaceName} `));
      tap?.setDrops(both.reduce((sum, [, { now, before }]) => sum + now + before, 0));
      return;
    }
    if (message.bytes.length === 0) {
      const { now, before } = drops.get(stream) ?? { now: 0, before: 0 };
      drops.set(stream, { now: 0, before: before + now });
      feeds.delete(stream);
      return;
    }
    if (tap !== undefined) {
      const feed = feeds.get(stream) ?? createPcapFeed();
      feeds.set(stream, feed);
      if (feed.takeAll(tap, packetType, message.bytes) === "faulted") reportUnreadable(deps, feed.fault());
    }
    deps.send({ type: "chunkTaken", interfaceName, packetType });
  };
}

const replayTurnMs = 20;

function createReplayDriver(deps: DriverDeps): Result<Driver> {
  const { config } = deps;
  if (config.replay === undefined) {
    return { ok: false, fault: fault("ConfigInvalid", "capture.method replay needs capture.replay.path") };
  }
  const opened = openReplay(config.replay);
  if (!opened.ok) return opened;
  const replay = opened.value;
  const dropped = dropAllPrivileges(config.userId, config.groupId);
  if (!dropped.ok) return dropped;
  let tap: FedTap | null = null;
  let ended = false;
  const session = createSession({
    ...deps,
    encapsulations: deps.config.encapsulations,
    clock: undefined,
    assignedAddresses: () => [],
    discover: () => [replay.device],
    openTap: (device, intake) => ok((tap = createFedTap(device.name, intake))),
  });
  // The file begins when the first plan wants it; its end ends every flow.
  const nowUs = (): number => {
    if (tap === null || ended) return 0;
    const timeUs = replay.advance(tap);
    if (timeUs !== null) return timeUs;
    ended = true;
    if (replay.fault() !== undefined) reportUnreadable(deps, replay.fault());
    session.endFlows();
    return 0;
  };
  return ok(driveByTimer(session, dropped.value, deps, nowUs, replayTurnMs));
}

/** `nowUs` brings what is due and tells the time of the packets' clock, 0 if that stands still. */
function driveByTimer(
  session: Session,
  privileges: PrivilegeReport,
  deps: DriverDeps,
  nowUs: () => number,
  everyMs: number,
): Driver {
  const onTick = everyTick(session, deps);
  let timer: NodeJS.Timeout | undefined;
  let nextTickMs = 0;
  const turn = (): void => {
    if (session.outbox.waiting() < deps.config.batchesInFlightMax) {
      const timeUs = nowUs();
      if (timeUs > 0) session.advance(timeUs);
    }
    if (performance.now() < nextTickMs) return;
    nextTickMs = performance.now() + tickMs;
    onTick(false);
  };
  return {
    session,
    privileges,
    run: () => void (timer = setInterval(turn, everyMs)),
    stop: () => clearInterval(timer),
    feed: () => undefined,
  };
}

/** What is done at each tick besides ending flows. */
function everyTick(session: Session, { send }: DriverDeps): (rearm: boolean) => void {
  let ticks = 0;
  return (rearm) => {
    ticks++;
    if (rearm || ticks % rearmEveryTicks === 0 || session.taps.changed()) session.rearm();
    if (ticks % statusEveryTicks !== 0) return;
    session.taps.refreshOwnAddresses();
    send({ type: "status", status: session.status() });
  };
}

function reportUnreadable({ send }: DriverDeps, found: Fault | undefined): void {
  const fields = { code: found?.code, reason: found?.message };
  send({ type: "log", level: "error", fields, message: "captured packets are unreadable" });
}
