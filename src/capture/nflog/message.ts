/**
 * Netlink's log messages: configuration out, logged packets in.
 *
 * What comes in is the kernel's, but what it copies into the payload is a stranger's; the reader is total, and
 * never reads beyond a message.
 */
import {
  attributeBufferBytes,
  attributeCommand,
  attributeEgressInterface,
  attributeFlags,
  attributeHeaderBytes,
  attributeIngressInterface,
  attributeMode,
  attributePacketHeader,
  attributePayload,
  attributePrefix,
  attributeSequence,
  attributeThreshold,
  attributeTimeout,
  attributeTimestamp,
  attributeTypeMask,
  commandBind,
  copyPacket,
  flagAcknowledge,
  flagRequest,
  flagSequence,
  messageHeaderBytes,
  netfilterHeaderBytes,
  typeError,
  typeLogConfig,
  typeLoggedPacket,
} from "./layout.ts";

/** Where in the firewall's course a packet was logged. */
export const stages = { before: 0, after: 1, foreign: 2 } as const;

/** The prefixes by which the rules of firewall-table.ts tell the stages apart. */
export const stagePrefixes = { before: "weir before", after: "weir after" } as const;

/** Logged packets as columns; payloads lie in the datagram that was read. */
export interface LoggedPackets {
  readonly capacity: number;
  count: number;
  /** Counts the messages of the group, lost ones included. */
  readonly sequence: Uint32Array<ArrayBuffer>;
  /** One of `stages`; `foreign` where another's rule logs to the same group. */
  readonly stage: Uint8Array<ArrayBuffer>;
  /** One of layout.ts's `hooks`, or a hook that this table does not log at. */
  readonly hook: Uint8Array<ArrayBuffer>;
  /** ifIndex; 0 for none. */
  readonly ingressInterface: Uint32Array<ArrayBuffer>;
  readonly egressInterface: Uint32Array<ArrayBuffer>;
  /** Microseconds since 1970; 0 where the kernel gave none. */
  readonly timestampUs: Float64Array<ArrayBuffer>;
  readonly payloadOffset: Uint32Array<ArrayBuffer>;
  readonly payloadLength: Uint32Array<ArrayBuffer>;
}

export function createLoggedPackets(capacity: number): LoggedPackets {
  return {
    capacity,
    count: 0,
    sequence: new Uint32Array(capacity),
    stage: new Uint8Array(capacity),
    hook: new Uint8Array(capacity),
    ingressInterface: new Uint32Array(capacity),
    egressInterface: new Uint32Array(capacity),
    timestampUs: new Float64Array(capacity),
    payloadOffset: new Uint32Array(capacity),
    payloadLength: new Uint32Array(capacity),
  };
}

/** A netlink datagram and how far it has been read. */
export interface DatagramCursor {
  at: number;
  end: number;
  /** Messages that no kernel sends: too short, or with attributes that reach beyond them. */
  malformed: number;
}

/** Reads packets from the datagram in `view` until `packets` is full or the datagram ends. */
export function readLoggedPackets(view: DataView, cursor: DatagramCursor, packets: LoggedPackets): void {
  packets.count = 0;
  while (cursor.at < cursor.end && packets.count < packets.capacity) {
    if (cursor.end - cursor.at < messageHeaderBytes) return endDatagram(cursor);
    const length = view.getUint32(cursor.at, true);
    const type = view.getUint16(cursor.at + 4, true);
    if (length < messageHeaderBytes || length > cursor.end - cursor.at) return endDatagram(cursor);
    if (type === typeLoggedPacket) readPacket(view, cursor, cursor.at + length, packets);
    cursor.at += aligned(length);
  }
}

function endDatagram(cursor: DatagramCursor): void {
  cursor.malformed++;
  cursor.at = cursor.end;
}

function readPacket(view: DataView, cursor: DatagramCursor, end: number, packets: LoggedPackets): void {
  const row = packets.count;
  packets.stage[row] = stages.foreign;
  packets.hook[row] = 0;
  packets.sequence[row] = 0;
  packets.ingressInterface[row] = 0;
  packets.egressInterface[row] = 0;
  packets.timestampUs[row] = 0;
  packets.payloadLength[row] = 0;
  let at = cursor.at + messageHeaderBytes + netfilterHeaderBytes;
  while (at + attributeHeaderBytes <= end) {
    const length = view.getUint16(at, true);
    if (length < attributeHeaderBytes || length > end - at) {
      cursor.malformed++;
      return;
    }
    const type = view.getUint16(at + 2, true) & attributeTypeMask;
    readAttribute(view, type, at + attributeHeaderBytes, length - attributeHeaderBytes, packets, row);
    at += aligned(length);
  }
  packets.count++;
}

function readAttribute(
  view: DataView,
  type: number,
  at: number,
  length: number,
  packets: LoggedPackets,
  row: number,
): void {
  if (type === attributePayload) {
    packets.payloadOffset[row] = at;
    packets.payloadLength[row] = length;
  } else if (type === attributePrefix) packets.stage[row] = stageOf(view, at, length);
  else if (type === attributePacketHeader && length >= 3) packets.hook[row] = view.getUint8(at + 2);
  else if (type === attributeTimestamp && length >= 16) {
    const seconds = view.getUint32(at, false) * 2 ** 32 + view.getUint32(at + 4, false);
    packets.timestampUs[row] = seconds * 1_000_000 + view.getUint32(at + 12, false);
  } else if (length >= 4) {
    if (type === attributeSequence) packets.sequence[row] = view.getUint32(at, false);
    else if (type === attributeIngressInterface) packets.ingressInterface[row] = view.getUint32(at, false);
    else if (type === attributeEgressInterface) packets.egressInterface[row] = view.getUint32(at, false);
  }
}

const beforeBytes = new TextEncoder().encode(`${stagePrefixes.before}\0`);
const afterBytes = new TextEncoder().encode(`${stagePrefixes.after}\0`);

function stageOf(view: DataView, at: number, length: number): number {
  if (isText(view, at, length, beforeBytes)) return stages.before;
  return isText(view, at, length, afterBytes) ? stages.after : stages.foreign;
}

function isText(view: DataView, at: number, length: number, text: Uint8Array): boolean {
  if (length !== text.length) return false;
  for (let index = 0; index < length; index++) {
    if (view.getUint8(at + index) !== text[index]) return false;
  }
  return true;
}

function aligned(length: number): number {
  return (length + 3) & ~3;
}

export interface LogGroupOptions {
  readonly group: number;
  /** Bytes kept of each packet, from its IP header on. */
  readonly snapshotBytes: number;
  /** Bytes that the kernel gathers before it hands over; 128 KiB is the most it takes. */
  readonly bufferBytes: number;
  /** Messages that it gathers, and for how long at most. */
  readonly threshold: number;
  readonly timeoutMs: number;
}

/** The requests that make the sender the one listener of a group, each to be acknowledged. */
export function logGroupRequests(options: LogGroupOptions): Uint8Array<ArrayBuffer>[] {
  const { group, snapshotBytes, bufferBytes, threshold, timeoutMs } = options;
  const attributes = [
    attribute(attributeCommand, 1, (view) => view.setUint8(0, commandBind)),
    attribute(attributeMode, 6, (view) => {
      view.setUint32(0, snapshotBytes);
      view.setUint8(4, copyPacket);
    }),
    attribute(attributeBufferBytes, 4, (view) => view.setUint32(0, bufferBytes)),
    attribute(attributeThreshold, 4, (view) => view.setUint32(0, threshold)),
    // The kernel's unit is a hundredth of a second.
    attribute(attributeTimeout, 4, (view) => view.setUint32(0, Math.max(1, Math.round(timeoutMs / 10)))),
    attribute(attributeFlags, 2, (view) => view.setUint16(0, flagSequence)),
  ];
  return attributes.map((value, index) => configRequest(group, index + 1, value));
}

function attribute(type: number, length: number, fill: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(aligned(attributeHeaderBytes + length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, attributeHeaderBytes + length, true);
  view.setUint16(2, type, true);
  fill(new DataView(bytes.buffer, attributeHeaderBytes));
  return bytes;
}

function configRequest(group: number, sequence: number, value: Uint8Array): Uint8Array<ArrayBuffer> {
  const headerBytes = messageHeaderBytes + netfilterHeaderBytes;
  const bytes = new Uint8Array(headerBytes + value.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, typeLogConfig, true);
  view.setUint16(6, flagRequest | flagAcknowledge, true);
  view.setUint32(8, sequence, true);
  view.setUint16(messageHeaderBytes + 2, group);
  bytes.set(value, headerBytes);
  return bytes;
}

/** The errno of an acknowledgement, 0 for success; null for what is no acknowledgement. */
export function acknowledgedErrno(view: DataView, length: number): number | null {
  if (length < messageHeaderBytes + 4 || view.getUint16(4, true) !== typeError) return null;
  return -view.getInt32(messageHeaderBytes, true);
}
