/** Settings of capture with their defaults. */
import { defaultEncapsulations, type EncapsulationSwitches } from "../wire/packet/mod.ts";

export interface ReplayConfig {
  readonly path: string;
  /** The interface that the file's packets are taken to be seen on. */
  readonly interfaceName: string;
  /** 1 replays in real time, 60 a minute a second; 0 as fast as it can be read. */
  readonly speed: number;
}

export interface CaptureConfig {
  /** `auto` takes the ring, and tcpdump where the ring cannot be had; `nflog` reads packets with their verdicts. */
  readonly method: "auto" | "ring" | "tcpdump" | "replay" | "nflog";
  /** Processes that share the packets of each interface; several with the ring only, which `auto` is then. */
  readonly workers: number;
  /** Memory of each interface's ring, in each worker. */
  readonly ringBytes: number;
  /** Memory of all workers' rings of that size; interfaces beyond it, such as those of many containers, get `smallRingBytes`. */
  readonly ringsBytesMax: number;
  readonly smallRingBytes: number;
  /**
   * The unit in which the kernel hands over: a power of two of at least a page. A block is handed over when it
   * is full or its time is up, so that in a quiet minute each holds little: many small ones last longer.
   */
  readonly blockBytes: number;
  /** Bytes kept of each frame: enough for every header that is decoded. */
  readonly snapshotBytes: number;
  /** Encapsulations that are looked into. */
  readonly encapsulations: EncapsulationSwitches;
  /** A block that is not full is handed over after this time. */
  readonly retireTimeoutMs: number;
  /** The user and group that the capture process becomes. */
  readonly userId: number;
  readonly groupId: number;
  /** Batches that may wait for their acceptance; beyond it reading stops and the kernel drops, counted. */
  readonly batchesInFlightMax: number;
  /** A capture process that says nothing for so long is replaced. */
  readonly heartbeatTimeoutMs: number;
  /** The netlink log group by which the firewall's verdicts come. */
  readonly verdictGroup: number;
  readonly replay?: ReplayConfig;
}

const nobody = 65534;

export const defaultCaptureConfig: CaptureConfig = {
  method: "auto",
  workers: 1,
  ringBytes: 32 * 1024 * 1024,
  ringsBytesMax: 512 * 1024 * 1024,
  smallRingBytes: 2 * 1024 * 1024,
  blockBytes: 256 * 1024,
  snapshotBytes: 256,
  // A host that ends PPPoE sessions shows the same packets on its ppp device, which is metered by itself.
  encapsulations: { ...defaultEncapsulations, pppoe: false },
  retireTimeoutMs: 50,
  userId: nobody,
  groupId: nobody,
  batchesInFlightMax: 256,
  heartbeatTimeoutMs: 30_000,
  verdictGroup: 3021,
};
