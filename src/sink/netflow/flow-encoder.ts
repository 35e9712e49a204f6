/** The three encoders behind one face, chosen by NetFlow version. */
import type { FlowBatch } from "../../flow/mod.ts";
import {
  beginBatch,
  countNotSent,
  type ExportDatagram,
  type InterfaceName,
  nextDatagram,
  requestRefresh,
  setTimeouts,
  type TemplateEncoder,
} from "../../wire/export/mod.ts";
import { createIpfixEncoder } from "../../wire/ipfix/mod.ts";
import { beginNetflow5Batch, createNetflow5Encoder, nextNetflow5Datagram } from "../../wire/netflow5/mod.ts";
import { createNetflow9Encoder } from "../../wire/netflow9/mod.ts";

export type NetflowVersion = 5 | 9 | 10;

/** What a restarted exporter continues from. */
export interface NetflowExporterState {
  /** The next datagram's sequence number. */
  readonly sequence: number;
  readonly optionsSequence: number;
  /** What sysUptime counts from, milliseconds since 1970; absent before the first flow. */
  readonly bootMs?: number;
}

export interface FlowEncoderOptions {
  readonly version: NetflowVersion;
  readonly observationDomain: number;
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
  readonly interfaceNames?: () => readonly InterfaceName[];
  readonly initialState?: NetflowExporterState;
  readonly refreshDatagrams?: number;
  readonly refreshMs?: number;
}

export interface FlowEncoder {
  begin(batch: FlowBatch, nowMs: number): void;
  /** Makes templates and options due; of no effect in NetFlow v5, which has none. */
  refresh(nowMs: number): void;
  /** Of no effect in NetFlow v5, which does not tell them. */
  setTimeouts(activeTimeoutS: number, inactiveTimeoutS: number): void;
  /** Fills the next datagram; false when there is none. */
  next(datagram: ExportDatagram): boolean;
  countNotSent(datagram: ExportDatagram): void;
  /** IPv6 flows that NetFlow v5 left out so far. */
  flowsSkipped(): number;
  state(): NetflowExporterState;
}

export function createFlowEncoder(options: FlowEncoderOptions): FlowEncoder {
  if (options.version === 5) return netflow5Encoder(options);
  const { initialState, ...rest } = options;
  const create = options.version === 9 ? createNetflow9Encoder : createIpfixEncoder;
  return templateEncoder(create({ ...rest, ...initialState }));
}

function netflow5Encoder({ observationDomain, initialState }: FlowEncoderOptions): FlowEncoder {
  const encoder = createNetflow5Encoder({ observationDomain, ...initialState });
  return {
    begin: (batch, nowMs) => beginNetflow5Batch(encoder, batch, nowMs),
    refresh: () => undefined,
    setTimeouts: () => undefined,
    next: (datagram) => nextNetflow5Datagram(encoder, datagram),
    countNotSent: () => undefined,
    flowsSkipped: () => encoder.flowsSkipped,
    state: () => stateOf(encoder.sequence, 0, encoder.clock.bootMs),
  };
}

function templateEncoder(encoder: TemplateEncoder): FlowEncoder {
  return {
    begin: (batch, nowMs) => beginBatch(encoder, batch, nowMs),
    refresh: (nowMs) => requestRefresh(encoder, nowMs),
    setTimeouts: (activeTimeoutS, inactiveTimeoutS) => setTimeouts(encoder, activeTimeoutS, inactiveTimeoutS),
    next: (datagram) => nextDatagram(encoder, datagram),
    countNotSent: (datagram) => countNotSent(encoder, datagram),
    flowsSkipped: () => 0,
    state: () => stateOf(encoder.sequence, encoder.optionsSequence, encoder.clock.bootMs),
  };
}

function stateOf(sequence: number, optionsSequence: number, bootMs: number): NetflowExporterState {
  return { sequence, optionsSequence, ...(Number.isNaN(bootMs) ? {} : { bootMs }) };
}
