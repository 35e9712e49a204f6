/**
 * The encoder that NetFlow v9 and IPFIX share: a batch in, datagrams out, templates and options in time.
 *
 * `beginBatch()` takes a batch, `nextDatagram()` then fills one datagram after the other until it answers
 * false; the caller may send between the calls and must not change the batch. Flows are grouped by
 * template. Options data goes in datagrams of its own. Nothing is sent before its template, and a time or
 * count that is up is seen when the next datagram is made.
 */
import type { FlowBatch, FlowColumns } from "../../flow/mod.ts";
import { datagramBytesMax, type ExportDatagram, resetDatagram } from "./datagram.ts";
import { writeOptionsRecord } from "./options.ts";
import { type RecordSpan, writeFlowRecords } from "./record.ts";
import { closeSet, setHeaderBytes, writeSpecifiers } from "./set.ts";
import { flowGroupOf, flowGroups } from "./template.ts";
import type { TemplateEncoder } from "./template-state.ts";
import { coversRow, latestEndMs, layBootInstant, setExportTime } from "./uptime.ts";

/** A collector may miss options that come right behind their template; they come again after this time. */
const optionsRepeatMs = 5000;

/** Takes a batch; the one before must be finished. `nowMs` is milliseconds since 1970. */
export function beginBatch(encoder: TemplateEncoder, batch: FlowBatch, nowMs: number): void {
  encoder.columns = batch.columns;
  encoder.count = batch.count;
  encoder.position = 0;
  encoder.settledPosition = -1;
  orderRows(encoder, batch.columns);
  setTime(encoder, nowMs, latestEndMs(batch));
}

/** Makes templates and options due, whether flows follow or not; no batch may be under way. */
export function requestRefresh(encoder: TemplateEncoder, nowMs: number): void {
  const { clock } = encoder;
  const { exportMs } = clock;
  setTime(encoder, nowMs, Number.NEGATIVE_INFINITY);
  if (Number.isNaN(clock.bootMs)) layClock(encoder, nowMs);
  // The flows so far were of another age, an old capture file's: their header time stays.
  else if (clock.exportMs === Number.NEGATIVE_INFINITY) clock.exportMs = exportMs;
  encoder.refreshRequested = true;
  makeAllDue(encoder);
}

/** Changes the timeouts that options data tells of, and makes it due with the next flows. */
export function setTimeouts(
  encoder: TemplateEncoder,
  activeTimeoutS: number,
  inactiveTimeoutS: number,
): void {
  if (encoder.activeTimeoutS === activeTimeoutS && encoder.inactiveTimeoutS === inactiveTimeoutS) return;
  encoder.activeTimeoutS = activeTimeoutS;
  encoder.inactiveTimeoutS = inactiveTimeoutS;
  makeOptionsDue(encoder);
}

/** Fills the next datagram; false, with nothing written, when there is none. */
export function nextDatagram(encoder: TemplateEncoder, datagram: ExportDatagram): boolean {
  resetDatagram(datagram);
  if (encoder.position < encoder.count) {
    settleFirstRow(encoder, encoder.columns!, encoder.rows[encoder.position]!);
  } else if (!encoder.refreshRequested) return false;
  if (encoder.optionsTemplate >= 0) {
    writeOptionsDatagram(encoder, datagram);
    return true;
  }
  encoder.refreshRequested = false;
  writeFlowDatagram(encoder, datagram);
  return true;
}

/** Corrects the statistics for a datagram that could not be sent; its sequence number stays used. */
export function countNotSent(encoder: TemplateEncoder, datagram: ExportDatagram): void {
  const { statistics } = encoder;
  statistics.messages--;
  statistics.octets -= datagram.length;
  statistics.flows -= datagram.flows;
  statistics.notSentFlows += datagram.flows;
  statistics.notSentPackets += datagram.packets;
  statistics.notSentOctets += datagram.octets;
}

/** A counting sort by template; the order within a template stays. */
function orderRows(encoder: TemplateEncoder, columns: FlowColumns): void {
  const { count, groupEnds } = encoder;
  if (encoder.rows.length < count) encoder.rows = new Uint32Array(count);
  groupEnds.fill(0);
  for (let row = 0; row < count; row++) groupEnds[flowGroupOf(columns, row)]!++;
  let start = 0;
  for (let group = 0; group < flowGroups; group++) {
    const size = groupEnds[group]!;
    groupEnds[group] = start;
    start += size;
  }
  for (let row = 0; row < count; row++) encoder.rows[groupEnds[flowGroupOf(columns, row)]!++] = row;
}

function setTime(encoder: TemplateEncoder, nowMs: number, latestMs: number): void {
  encoder.nowMs = nowMs;
  encoder.latestEndMs = latestMs;
  if (Number.isNaN(encoder.systemInitMs)) encoder.systemInitMs = encoder.clock.bootMs || nowMs;
  if (encoder.format.version === 9) setExportTime(encoder.clock, nowMs, latestMs);
  else encoder.clock.exportMs = nowMs;
  const since = Math.abs(nowMs - encoder.templatesMs);
  if (since >= encoder.refreshMs) encoder.templatesDue = true;
  const optionsAgeMs = Math.abs(nowMs - encoder.optionsMs);
  const optionsIntervalMs = encoder.optionsRounds === 1 ? optionsRepeatMs : encoder.refreshMs;
  if (encoder.optionsTemplate < 0 && optionsAgeMs >= optionsIntervalMs) encoder.optionsTemplate = 0;
}

function makeAllDue(encoder: TemplateEncoder): void {
  encoder.templatesDue = true;
  makeOptionsDue(encoder);
}

function makeOptionsDue(encoder: TemplateEncoder): void {
  encoder.optionsTemplate = 0;
  encoder.optionsRecord = 0;
}

/** Whether a row can go with what header and options say now. */
function fitsRow(encoder: TemplateEncoder, columns: FlowColumns, row: number): boolean {
  if (columns.samplingInterval[row] !== encoder.samplingInterval) return false;
  if (encoder.format.version !== 9) return true;
  return coversRow(encoder.clock, columns, row);
}

/**
 * Makes the next row fit: another boot instant, another sampling interval, and both announced anew. Tried
 * once a row, because a flow of over 37 days fits no clock.
 */
function settleFirstRow(encoder: TemplateEncoder, columns: FlowColumns, row: number): void {
  if (encoder.settledPosition === encoder.position || fitsRow(encoder, columns, row)) return;
  encoder.settledPosition = encoder.position;
  encoder.samplingInterval = columns.samplingInterval[row]!;
  if (!coversRow(encoder.clock, columns, row)) {
    layClock(encoder, Math.floor(columns.startUs[row]! / 1000));
  }
  makeAllDue(encoder);
}

function layClock(encoder: TemplateEncoder, startMs: number): void {
  if (encoder.format.version !== 9) return;
  layBootInstant(encoder.clock, startMs, encoder.nowMs, encoder.latestEndMs);
  encoder.systemInitMs = encoder.clock.bootMs;
}

function writeFlowDatagram(encoder: TemplateEncoder, datagram: ExportDatagram): void {
  const { format } = encoder;
  datagram.length = format.headerBytes;
  let records = 0;
  if (encoder.templatesDue || encoder.datagramsSinceTemplates >= encoder.refreshDatagrams) {
    records = writeFlowTemplates(encoder, datagram);
    encoder.templatesDue = false;
    encoder.templatesMs = encoder.nowMs;
    encoder.datagramsSinceTemplates = 0;
  }
  while (encoder.position < encoder.count && writeFlowSet(encoder, datagram));
  encoder.datagramsSinceTemplates++;
  finishDatagram(encoder, datagram, records, datagram.flows, encoder.observationDomain);
}

/** Writes as many flows of one template as fit; false when none did. */
function writeFlowSet(encoder: TemplateEncoder, datagram: ExportDatagram): boolean {
  let group = 0;
  while (encoder.groupEnds[group]! <= encoder.position) group++;
  const template = encoder.templates[group]!;
  const at = datagram.length + setHeaderBytes;
  const room = Math.floor((datagramBytesMax - at) / template.recordBytes);
  const columns = encoder.columns!;
  const from = encoder.position;
  const end = Math.min(encoder.groupEnds[group]!, from + room);
  let to = from;
  // The first row was settled; if it does not fit even so, it goes as it stands.
  if (datagram.flows === 0 && to < end) to++;
  while (to < end && fitsRow(encoder, columns, encoder.rows[to]!)) to++;
  if (to === from) return false;
  const span: RecordSpan = { columns, rows: encoder.rows, from, count: to - from, at };
  writeFlowRecords(template, datagram.view, span, encoder.clock.bootMs);
  closeSet(datagram, template.id, at + span.count * template.recordBytes);
  for (let index = from; index < to; index++) {
    datagram.packets += columns.packets[encoder.rows[index]!]!;
    datagram.octets += columns.octets[encoder.rows[index]!]!;
  }
  datagram.flows += span.count;
  encoder.position = to;
  return true;
}

/** Template set: id and field count, then element and length of each field (RFC 7011 section 3.4.1). */
function writeFlowTemplates(encoder: TemplateEncoder, datagram: ExportDatagram): number {
  const { view } = datagram;
  let at = datagram.length + setHeaderBytes;
  for (const { id, fields } of encoder.templates) {
    view.setUint16(at, id);
    view.setUint16(at + 2, fields.length);
    at = writeSpecifiers(view, at + 4, fields);
  }
  closeSet(datagram, encoder.format.templateSetId, at);
  return encoder.templates.length;
}

function writeOptionsDatagram(encoder: TemplateEncoder, datagram: ExportDatagram): void {
  const begins = encoder.optionsTemplate === 0 && encoder.optionsRecord === 0;
  if (begins) encoder.interfaces = encoder.interfaceNames();
  datagram.length = encoder.format.headerBytes;
  const templates = writeOptionsTemplates(encoder, datagram);
  let records = 0;
  while (encoder.optionsTemplate < encoder.optionsTemplates.length) {
    records += writeOptionsSet(encoder, datagram);
    if (encoder.optionsRecord > 0) break;
  }
  if (encoder.optionsTemplate >= encoder.optionsTemplates.length) {
    encoder.optionsTemplate = -1;
    encoder.optionsMs = encoder.nowMs;
    encoder.optionsRounds++;
  }
  const domain = encoder.format.optionsDomain(encoder.observationDomain, encoder.samplingInterval);
  finishDatagram(encoder, datagram, templates, records, domain);
}

/** Writes what fits of one options template's records, and moves on to the next template when all did. */
function writeOptionsSet(encoder: TemplateEncoder, datagram: ExportDatagram): number {
  const template = encoder.optionsTemplates[encoder.optionsTemplate]!;
  const total = template.records(encoder);
  const start = datagram.length + setHeaderBytes;
  const from = encoder.optionsRecord;
  const room = Math.floor((datagramBytesMax - start) / template.recordBytes);
  const count = Math.min(total - from, room);
  for (let index = 0; index < count; index++) {
    writeOptionsRecord(template, datagram, start + index * template.recordBytes, encoder, from + index);
  }
  if (count > 0) closeSet(datagram, template.id, start + count * template.recordBytes);
  encoder.optionsRecord = from + count < total ? from + count : 0;
  if (encoder.optionsRecord === 0) encoder.optionsTemplate++;
  return count;
}

/** Each in a set of its own: nfcapd and nfacctd read no more than the first of a set. */
function writeOptionsTemplates(encoder: TemplateEncoder, datagram: ExportDatagram): number {
  const { view } = datagram;
  for (const template of encoder.optionsTemplates) {
    const at = datagram.length + setHeaderBytes;
    const [first, second] = encoder.format.optionsTemplateWords(template);
    view.setUint16(at, template.id);
    view.setUint16(at + 2, first);
    view.setUint16(at + 4, second);
    const end = writeSpecifiers(view, at + 6, [template.scope, ...template.fields]);
    closeSet(datagram, encoder.format.optionsTemplateSetId, end);
  }
  return encoder.optionsTemplates.length;
}

function finishDatagram(
  encoder: TemplateEncoder,
  datagram: ExportDatagram,
  templateRecords: number,
  dataRecords: number,
  observationDomain: number,
): void {
  const { format, clock, statistics } = encoder;
  const own = observationDomain === encoder.observationDomain;
  const sequence = own ? encoder.sequence : encoder.optionsSequence;
  format.writeHeader(datagram.view, {
    length: datagram.length,
    records: templateRecords + dataRecords,
    sequence,
    observationDomain,
    clock,
  });
  const next = (sequence + (format.sequenceUnit === "datagrams" ? 1 : dataRecords)) >>> 0;
  if (own) encoder.sequence = next;
  else encoder.optionsSequence = next;
  statistics.octets += datagram.length;
  statistics.messages++;
  statistics.flows += datagram.flows;
}
