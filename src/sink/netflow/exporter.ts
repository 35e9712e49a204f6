/**
 * A NetFlow exporter: batches of flows to one collector, over UDP.
 *
 * UDP promises nothing beyond the socket; what is promised here is that datagrams leave in order, at a
 * pace that a collector can follow, with true sequence numbers, and that what could not leave is counted.
 */
import { type Clock, ok, type Result, systemClock } from "../../base/mod.ts";
import type { FlowBatch } from "../../flow/mod.ts";
import type { Libc } from "../../libc/mod.ts";
import { createExportDatagram, type ExportDatagram, type InterfaceName } from "../../wire/export/mod.ts";
import {
  createFlowEncoder,
  type FlowEncoder,
  type NetflowExporterState,
  type NetflowVersion,
} from "./flow-encoder.ts";
import { createPace, type Pace } from "./pace.ts";
import { createUdpSender, sendGroupMax, type UdpSender } from "./udp-sender.ts";

export interface NetflowExporterOptions {
  /** An IPv4 or IPv6 address. */
  readonly address: string;
  readonly port: number;
  /** 10 is IPFIX. */
  readonly version: NetflowVersion;
  /** Source id in NetFlow v9; its low 16 bits are engine type and engine id in v5. */
  readonly observationDomain: number;
  /** Told to the collector in options data. */
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
  /** The interfaces that flows number, asked for whenever options data is made. */
  readonly interfaceNames?: () => readonly InterfaceName[];
  /** state() of the exporter that this one continues. */
  readonly initialState?: NetflowExporterState;
  /** Templates are repeated after this many datagrams; default 20. */
  readonly refreshDatagrams?: number;
  /** Templates and options are repeated after this time; default 60,000. */
  readonly refreshMs?: number;
  /**
   * How fast datagrams leave at most; default 16 MiB a second, about 200,000 flows. Infinity is without a
   * pace, and without a look at whether a collector on this host keeps up.
   */
  readonly bytesPerSecond?: number;
  /** The collector's pace, where several exporters share it; else one of its own, of `bytesPerSecond`. */
  readonly pace?: Pace;
  /** The C library, where it was loaded already. */
  readonly libc?: Promise<Result<Libc>>;
  readonly clock?: Clock;
}

export interface NetflowExporterStatistics {
  readonly datagramsSent: number;
  readonly octetsSent: number;
  readonly flowsSent: number;
  /** IPv6 flows, which NetFlow v5 cannot tell. */
  readonly flowsSkipped: number;
  readonly datagramsNotSent: number;
  readonly flowsNotSent: number;
  /** Errors that sending met; a datagram tried again with success is in datagramsSent too. */
  readonly sendErrors: number;
  readonly lastError?: string;
  readonly lastSentMs?: number;
}

export interface NetflowExporter {
  /** Opens the socket, which sending does by itself. Faults: `SendFailed`. */
  open(): Promise<Result<void>>;
  /** Sends the batch's flows; resolves when the kernel has them. The batch must not change until then. */
  send(batch: FlowBatch): Promise<void>;
  /** Changes the timeouts told to the collector, with the next flows. No batch may be under way. */
  setTimeouts(activeTimeoutS: number, inactiveTimeoutS: number): void;
  /** Sends templates and options data. */
  refresh(): Promise<void>;
  /** Resolves when what was being sent is sent and the socket is closed. */
  close(): Promise<void>;
  state(): NetflowExporterState;
  statistics(): NetflowExporterStatistics;
  /** Where datagrams come from, while the socket is open. */
  local(): { readonly address: string; readonly port: number } | undefined;
}

export const defaultBytesPerSecond = 16 * 1024 * 1024;

interface Totals {
  datagramsSent: number;
  octetsSent: number;
  flowsSent: number;
  datagramsNotSent: number;
  flowsNotSent: number;
  lastSentMs: number | undefined;
}

/** Faults: `InputInvalid` (address), `InputOutOfRange` (port). */
export function createNetflowExporter(options: NetflowExporterOptions): Result<NetflowExporter> {
  const { address, port, bytesPerSecond = defaultBytesPerSecond } = options;
  const pace =
    options.pace ?? (bytesPerSecond === Infinity ? undefined : createPace(address, port, bytesPerSecond));
  const created = createUdpSender({ address, port, pace, ...(options.libc && { libc: options.libc }) });
  if (!created.ok) return created;
  const sender = created.value;
  const encoder = createFlowEncoder(options);
  const clock = options.clock ?? systemClock;
  const totals: Totals = {
    datagramsSent: 0,
    octetsSent: 0,
    flowsSent: 0,
    datagramsNotSent: 0,
    flowsNotSent: 0,
    lastSentMs: undefined,
  };
  const datagrams = Array.from({ length: sendGroupMax }, createExportDatagram);
  // A refresh may be asked for while a batch is being sent: one after the other.
  let last: Promise<void> = Promise.resolve();
  const queue = (work: () => Promise<void>): Promise<void> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
  return ok({
    open: () => sender.open(),
    send: (batch) =>
      queue(() => {
        encoder.begin(batch, clock.nowMs());
        return sendAll(encoder, sender, datagrams, totals, clock);
      }),
    refresh: () =>
      queue(() => {
        encoder.refresh(clock.nowMs());
        return sendAll(encoder, sender, datagrams, totals, clock);
      }),
    setTimeouts: (activeTimeoutS, inactiveTimeoutS) => encoder.setTimeouts(activeTimeoutS, inactiveTimeoutS),
    close: () => queue(() => sender.close()),
    state: () => encoder.state(),
    statistics: () => statisticsOf(totals, encoder, sender),
    local: () => sender.local(),
  });
}

async function sendAll(
  encoder: FlowEncoder,
  sender: UdpSender,
  datagrams: readonly ExportDatagram[],
  totals: Totals,
  clock: Clock,
): Promise<void> {
  for (;;) {
    let count = 0;
    while (count < datagrams.length && encoder.next(datagrams[count]!)) {
      const datagram = datagrams[count]!;
      totals.datagramsSent++;
      totals.octetsSent += datagram.length;
      totals.flowsSent += datagram.flows;
      count++;
    }
    if (count === 0) return;
    const notSentBefore = totals.datagramsNotSent;
    await sender.send(datagrams, count, (datagram) => {
      encoder.countNotSent(datagram);
      totals.datagramsSent--;
      totals.octetsSent -= datagram.length;
      totals.flowsSent -= datagram.flows;
      totals.datagramsNotSent++;
      totals.flowsNotSent += datagram.flows;
    });
    if (totals.datagramsNotSent - notSentBefore < count) totals.lastSentMs = clock.nowMs();
  }
}

function statisticsOf(totals: Totals, encoder: FlowEncoder, sender: UdpSender): NetflowExporterStatistics {
  const { lastSentMs, ...counts } = totals;
  const lastError = sender.lastError();
  return {
    ...counts,
    flowsSkipped: encoder.flowsSkipped(),
    sendErrors: sender.errors(),
    ...(lastError === undefined ? {} : { lastError }),
    ...(lastSentMs === undefined ? {} : { lastSentMs }),
  };
}
