/**
 * Meters a capture file: frames to packets to flows to consumers, and a report that adds up.
 *
 * What is wrong with the file ends the reading, not the run: the flows of what was read before are finished,
 * delivered and reported, with the fault beside them.
 */
import type { Fault } from "../../base/mod.ts";
import {
  type CaptureFile,
  createPacketSource,
  fillPackets,
  type PacketSource,
  readMore,
} from "../../capture/file/mod.ts";
import {
  advanceMeter,
  allocateUncounted,
  createMeter,
  flushBatch,
  type Meter,
  meterPackets,
  type MeterPolicy,
} from "../../meter/mod.ts";
import { decodeOutcomes, type EncapsulationSwitches } from "../../wire/packet/mod.ts";
import { createFlowQueue, type FlowConsumer, type FlowQueue } from "./consumer.ts";
import type { Conservation, FrameCounts, OfflineReport } from "./report.ts";
import { createFlowSummary, type FlowSummary } from "./summary.ts";

export interface OfflineOptions {
  /** A pcap or pcapng file, which is closed at the end. */
  readonly file: CaptureFile;
  readonly policy: MeterPolicy;
  readonly flowsMax: number;
  readonly observationDomain?: number;
  /** Encapsulations that are looked into; those left out are as the decoder has them. */
  readonly encapsulations?: Partial<EncapsulationSwitches>;
  /** Talkers and ports in the report; 0 spares the counting. */
  readonly top: number;
  readonly consumers: readonly FlowConsumer[];
  /** Ends the reading early; what was read is finished, delivered and reported. */
  readonly signal?: AbortSignal;
  /** Called now and then: frames and octets of the file read so far, its size if it has one. */
  readonly onProgress?: (progress: OfflineProgress) => void;
}

export interface OfflineProgress {
  readonly frames: number;
  readonly readBytes: number;
  readonly sizeBytes: number | undefined;
}

/** Never fails as a whole: everything that goes wrong is in the report. */
export async function meterCapture(options: OfflineOptions): Promise<OfflineReport> {
  const startedMs = performance.now();
  const queue = createFlowQueue(options.consumers);
  const source = createPacketSource(options.file, {
    decoder: { encapsulations: options.encapsulations ?? {} },
  });
  const summary = createFlowSummary(options.top);
  const meter = createMeter({
    policy: options.policy,
    flowsMax: options.flowsMax,
    observationDomain: options.observationDomain ?? 0,
    allocate: allocateUncounted,
    lendsBatches: true,
    emit: (flows) => {
      summary.add(flows);
      queue.put(flows);
    },
  });
  await meterAll(source, meter, queue, options);
  while (flushBatch(meter)) await queue.deliver();
  await queue.deliver();
  await queue.close();
  await source.file.close();
  return reportOf(options, source, meter, summary, queue, performance.now() - startedMs);
}

async function meterAll(
  source: PacketSource,
  meter: Meter,
  queue: FlowQueue,
  { onProgress, signal }: Pick<OfflineOptions, "onProgress" | "signal">,
): Promise<void> {
  const { packets, reader, file } = source;
  for (;;) {
    if (signal?.aborted === true) return;
    const status = fillPackets(source);
    if (packets.count > 0) {
      meterPackets(meter, packets);
      advanceMeter(meter, packets.timestampUs[packets.count - 1]!);
      // Consumers set the pace: no more is metered until they have what there is.
      if (!queue.isEmpty()) await queue.deliver();
    }
    if (status === "rows") continue;
    onProgress?.({ frames: reader.packets, readBytes: file.readBytes(), sizeBytes: file.sizeBytes });
    if (!(await readUnlessAborted(source, signal))) return;
  }
}

/** readMore(), but false as soon as the signal is given: a pipe may have nothing to read for ever. */
async function readUnlessAborted(source: PacketSource, signal: AbortSignal | undefined): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>();
  const abort = (): void => resolve(false);
  signal?.addEventListener("abort", abort);
  try {
    return await Promise.race([readMore(source), promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function reportOf(
  options: OfflineOptions,
  source: PacketSource,
  meter: Meter,
  summary: FlowSummary,
  queue: FlowQueue,
  elapsedMs: number,
): OfflineReport {
  const { reader, decoder, timesUs, file } = source;
  const { statistics } = meter;
  const frames = frameCounts(source);
  const isInterrupted = options.signal?.aborted ?? false;
  // Whatever the input said after it was left is no fault of the file.
  const fileFaults = source.fault === undefined || isInterrupted ? [] : [source.fault];
  const faults: Fault[] = [...fileFaults, ...queue.faults()];
  return {
    path: file.path,
    format: reader.format,
    compression: file.compression,
    linkType: reader.linkType,
    frames,
    packets: statistics.packets,
    octets: statistics.octets,
    flows: summary.totals().flows,
    flowsByEndReason: statistics.flowsEmitted,
    flowsAtOnce: statistics.activeFlowsMax,
    fragmentsUnattributed: decoder.fragments.unattributed,
    packetsDecapsulated: decoder.decapsulated,
    packetsInnerUnread: decoder.innerUnread,
    ...(frames.read === 0 ? {} : { startUs: timesUs[0]!, endUs: timesUs[1]! }),
    topTalkers: summary.topTalkers(),
    topPorts: summary.topPorts(),
    conservation: conservationOf(frames, meter, summary),
    elapsedMs,
    isInterrupted,
    faults,
  };
}

function frameCounts({ reader, decoder: { outcomes } }: PacketSource): FrameCounts {
  return {
    read: reader.packets,
    metered: outcomes[decodeOutcomes.packet]!,
    notIp: outcomes[decodeOutcomes.notIp]!,
    truncated: outcomes[decodeOutcomes.truncated]!,
    malformed: outcomes[decodeOutcomes.malformed]!,
    unsupportedLink: outcomes[decodeOutcomes.unsupportedLink]!,
  };
}

/** Frames by the file's reader and the decoder, packets by the meter and the flows that it emitted. */
function conservationOf(frames: FrameCounts, { statistics }: Meter, summary: FlowSummary): Conservation {
  const { read, metered, notIp, truncated, malformed, unsupportedLink } = frames;
  const { packets, octets } = summary.totals();
  const framesByOutcome = metered + notIp + truncated + malformed + unsupportedLink;
  return {
    framesRead: read,
    framesByOutcome,
    packetsMetered: statistics.packets,
    packetsInFlows: packets,
    octetsMetered: statistics.octets,
    octetsInFlows: octets,
    isExact:
      read === framesByOutcome &&
      metered === statistics.packets &&
      statistics.packets === packets &&
      statistics.octets === octets,
  };
}
