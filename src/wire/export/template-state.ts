/** The state of a NetFlow v9 or IPFIX encoder: a plain struct, and what it is made from. */
import type { FlowColumns } from "../../flow/mod.ts";
import {
  createOptionsTemplates,
  type ExportStatistics,
  type InterfaceName,
  type OptionsTemplate,
} from "./options.ts";
import { createFlowTemplates, flowGroups, type FlowTemplate } from "./template.ts";
import type { UptimeClock } from "./uptime.ts";

/** What a message header says. */
export interface MessageHeader {
  readonly length: number;
  /** Records of any kind: templates, options templates, options data, flows. */
  readonly records: number;
  readonly sequence: number;
  readonly observationDomain: number;
  readonly clock: UptimeClock;
}

/** Where NetFlow v9 and IPFIX differ. */
export interface TemplateFormat {
  readonly version: 9 | 10;
  readonly headerBytes: number;
  readonly templateSetId: number;
  readonly optionsTemplateSetId: number;
  /** What the sequence number counts: NetFlow v9 datagrams, IPFIX data records. */
  readonly sequenceUnit: "datagrams" | "records";
  writeHeader(view: DataView, header: MessageHeader): void;
  /** The two 16-bit words after the id of an options template. */
  optionsTemplateWords(template: OptionsTemplate): [number, number];
  /** The domain in the header of options data about `observationDomain`. */
  optionsDomain(observationDomain: number, samplingInterval: number): number;
}

export interface TemplateEncoderOptions {
  /** Source id in NetFlow v9. */
  readonly observationDomain: number;
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
  /** The interfaces that flows number, asked for whenever options data is made; default none. */
  readonly interfaceNames?: () => readonly InterfaceName[];
  /** The sequence number of the first datagram; default 0. */
  readonly sequence?: number;
  /** The same for options data that goes in a domain of its own. */
  readonly optionsSequence?: number;
  /** What sysUptime counts from, milliseconds since 1970; chosen by the first flow where absent. */
  readonly bootMs?: number;
  /** Templates are repeated after this many datagrams of flows; default 20. */
  readonly refreshDatagrams?: number;
  /** Templates and options are repeated after this time; default 60,000. */
  readonly refreshMs?: number;
}

export interface TemplateEncoder {
  readonly format: TemplateFormat;
  readonly templates: readonly FlowTemplate[];
  readonly optionsTemplates: readonly OptionsTemplate[];
  readonly observationDomain: number;
  readonly refreshDatagrams: number;
  readonly refreshMs: number;
  readonly statistics: ExportStatistics;
  readonly clock: UptimeClock;
  readonly interfaceNames: () => readonly InterfaceName[];
  /** Those of the options data under way. */
  interfaces: readonly InterfaceName[];
  activeTimeoutS: number;
  inactiveTimeoutS: number;
  samplingInterval: number;
  /** The next datagram's number. */
  sequence: number;
  optionsSequence: number;
  systemInitMs: number;
  nowMs: number;
  /** Templates and options are to be sent even if no flow follows. */
  refreshRequested: boolean;
  templatesDue: boolean;
  templatesMs: number;
  datagramsSinceTemplates: number;
  optionsMs: number;
  /** How often options were sent; the first time is soon followed by a second. */
  optionsRounds: number;
  /** Where options data continues: template and record; template −1 while none is due. */
  optionsTemplate: number;
  optionsRecord: number;
  columns: FlowColumns | undefined;
  /** Row numbers of the batch, grouped by template; group g ends before groupEnds[g]. */
  rows: Uint32Array;
  readonly groupEnds: Uint32Array;
  count: number;
  position: number;
  /** The position that header and options were last fitted to; −1 for none. */
  settledPosition: number;
  latestEndMs: number;
}

export function createTemplateEncoder(
  format: TemplateFormat,
  options: TemplateEncoderOptions,
): TemplateEncoder {
  return {
    format,
    templates: createFlowTemplates(format.version),
    optionsTemplates: createOptionsTemplates(format.version),
    observationDomain: options.observationDomain >>> 0,
    activeTimeoutS: options.activeTimeoutS,
    inactiveTimeoutS: options.inactiveTimeoutS,
    refreshDatagrams: options.refreshDatagrams ?? 20,
    refreshMs: options.refreshMs ?? 60_000,
    statistics: {
      octets: 0,
      messages: 0,
      flows: 0,
      notSentFlows: 0,
      notSentPackets: 0,
      notSentOctets: 0,
    },
    clock: { bootMs: options.bootMs ?? Number.NaN, exportMs: Number.NaN },
    interfaceNames: options.interfaceNames ?? (() => []),
    interfaces: [],
    samplingInterval: 1,
    sequence: (options.sequence ?? 0) >>> 0,
    optionsSequence: (options.optionsSequence ?? 0) >>> 0,
    systemInitMs: Number.NaN,
    nowMs: 0,
    refreshRequested: false,
    templatesDue: true,
    templatesMs: 0,
    datagramsSinceTemplates: 0,
    optionsMs: 0,
    optionsRounds: 0,
    optionsTemplate: 0,
    optionsRecord: 0,
    columns: undefined,
    rows: new Uint32Array(0),
    groupEnds: new Uint32Array(flowGroups),
    count: 0,
    position: 0,
    settledPosition: -1,
    latestEndMs: 0,
  };
}
