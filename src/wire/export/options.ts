/**
 * Options data of NetFlow v9 and IPFIX: what an exporter tells about itself.
 *
 * Four templates: the exporter's statistics (RFC 7011 sections 4.1 and 4.3), how the flows were metered
 * (timeouts and sampling), names and descriptions of the interfaces that the flows number. The scope of
 * each is the observation domain, in NetFlow v9 the system (RFC 3954 section 6.1).
 */
import { type ExportDatagram, setUnsigned } from "./datagram.ts";
import { firstOptionsTemplateId } from "./template.ts";

/** An interface as options data names it. */
export interface InterfaceName {
  readonly index: number;
  readonly name: string;
  /** The name, if not given. */
  readonly description?: string;
}

/** Totals since the exporter started; what options data reports. */
export interface ExportStatistics {
  octets: number;
  messages: number;
  flows: number;
  notSentFlows: number;
  notSentPackets: number;
  notSentOctets: number;
}

/** What the values of options data are taken from. */
export interface OptionsSource {
  readonly observationDomain: number;
  readonly statistics: ExportStatistics;
  /** When the exporter started, milliseconds since 1970; in NetFlow v9 the instant sysUptime counts from. */
  readonly systemInitMs: number;
  readonly activeTimeoutS: number;
  readonly inactiveTimeoutS: number;
  /** One of this many packets was metered. */
  readonly samplingInterval: number;
  readonly interfaces: readonly InterfaceName[];
}

export interface OptionsField {
  /** Information element or field type; of the scope field in NetFlow v9 the scope type. */
  readonly element: number;
  readonly length: number;
  /** The value of record `index`: an integer, or text, cut at whole characters and filled up with zeros. */
  readonly value: (source: OptionsSource, index: number) => number | string;
}

export interface OptionsTemplate {
  readonly id: number;
  readonly scope: OptionsField;
  readonly fields: readonly OptionsField[];
  readonly recordBytes: number;
  /** How many records there are to tell. */
  readonly records: (source: OptionsSource) => number;
}

const scopeSystem = 1;

/** The options templates, in the order in which their records are sent. */
export function createOptionsTemplates(version: 9 | 10): readonly OptionsTemplate[] {
  const scope: OptionsField = {
    element: version === 9 ? scopeSystem : 149,
    length: 4,
    value: (source) => source.observationDomain,
  };
  const one = () => 1;
  const everyInterface = (source: OptionsSource) => source.interfaces.length;
  return [
    { fields: statisticsFields, records: one },
    { fields: meteringFields(version), records: one },
    { fields: interfaceNameFields, records: everyInterface },
    { fields: interfaceDescriptionFields, records: everyInterface },
  ].map(({ fields, records }, index) => ({
    id: firstOptionsTemplateId + index,
    scope,
    fields,
    records,
    recordBytes: fields.reduce((sum, field) => sum + field.length, scope.length),
  }));
}

const statisticsFields: readonly OptionsField[] = [
  { element: 160, length: 8, value: (source) => source.systemInitMs },
  { element: 40, length: 8, value: ({ statistics }) => statistics.octets },
  { element: 41, length: 8, value: ({ statistics }) => statistics.messages },
  { element: 42, length: 8, value: ({ statistics }) => statistics.flows },
  { element: 166, length: 8, value: ({ statistics }) => statistics.notSentFlows },
  { element: 167, length: 8, value: ({ statistics }) => statistics.notSentPackets },
  { element: 168, length: 8, value: ({ statistics }) => statistics.notSentOctets },
];

/**
 * Sampling one of N packets is selectorAlgorithm 1 (systematic, count-based) with an interval of one
 * packet and a space of N − 1 (RFC 5477 section 8.2); collectors of NetFlow v9 look for 34 and 35.
 */
function meteringFields(version: 9 | 10): readonly OptionsField[] {
  const fields: OptionsField[] = [
    { element: 36, length: 2, value: (source) => Math.min(source.activeTimeoutS, 65535) },
    { element: 37, length: 2, value: (source) => Math.min(source.inactiveTimeoutS, 65535) },
    { element: 304, length: 2, value: () => 1 },
    { element: 305, length: 4, value: () => 1 },
    { element: 306, length: 4, value: (source) => Math.max(source.samplingInterval, 1) - 1 },
  ];
  if (version === 9) {
    fields.push({ element: 34, length: 4, value: (source) => source.samplingInterval });
    fields.push({ element: 35, length: 1, value: () => 1 });
  }
  return fields;
}

/**
 * The ifIndex is a plain field beside the name, as Cisco's interface table has it: nfcapd and nfacctd look
 * for it there. Names have the length that Linux allows (IFNAMSIZ, 16): neither reads a variable one, and
 * nfcapd no further field, so that descriptions have a template of their own.
 */
const interfaceIndex: OptionsField = {
  element: 10,
  length: 4,
  value: (source, index) => source.interfaces[index]!.index,
};

const interfaceNameFields: readonly OptionsField[] = [
  interfaceIndex,
  { element: 82, length: 16, value: (source, index) => source.interfaces[index]!.name },
];

const interfaceDescriptionFields: readonly OptionsField[] = [
  interfaceIndex,
  {
    element: 83,
    length: 32,
    value: ({ interfaces }, index) => interfaces[index]!.description ?? interfaces[index]!.name,
  },
];

/** Writes record `index` of the template at `at`; it takes `template.recordBytes`. */
export function writeOptionsRecord(
  template: OptionsTemplate,
  datagram: ExportDatagram,
  at: number,
  source: OptionsSource,
  index: number,
): void {
  let start = at;
  for (const { length, value } of [template.scope, ...template.fields]) {
    const found = value(source, index);
    if (typeof found === "string") writeText(datagram.bytes.subarray(start, start + length), found);
    else setUnsigned(datagram.view, start, length, found);
    start += length;
  }
}

function writeText(room: Uint8Array, text: string): void {
  const { written } = new TextEncoder().encodeInto(text, room);
  room.fill(0, written);
}
