/** All datagrams that a NetFlow v9 or IPFIX encoder makes of a batch. */
import type { FlowBatch } from "../../../src/flow/mod.ts";
import {
  beginBatch,
  createExportDatagram,
  nextDatagram,
  requestRefresh,
  type TemplateEncoder,
} from "../../../src/wire/export/mod.ts";
import type { SampleFlow } from "./sample-flows.ts";

export const nowMs = 1_700_000_000_250;

export function encodeBatch(encoder: TemplateEncoder, batch: FlowBatch, timeMs = nowMs): Uint8Array[] {
  beginBatch(encoder, batch, timeMs);
  return remaining(encoder);
}

export function encodeRefresh(encoder: TemplateEncoder, timeMs = nowMs): Uint8Array[] {
  requestRefresh(encoder, timeMs);
  return remaining(encoder);
}

function remaining(encoder: TemplateEncoder): Uint8Array[] {
  const datagram = createExportDatagram();
  const payloads: Uint8Array[] = [];
  while (nextDatagram(encoder, datagram)) payloads.push(datagram.bytes.slice(0, datagram.length));
  return payloads;
}

/** Set ids of a datagram's sets, in order. */
export function setsOf(datagram: Uint8Array): number[] {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const ids: number[] = [];
  for (let at = view.getUint16(0) === 9 ? 20 : 16; at < view.byteLength; at += view.getUint16(at + 2)) {
    ids.push(view.getUint16(at));
  }
  return ids;
}

export const webFlow: SampleFlow = {
  source: "192.0.2.1",
  destination: "198.51.100.7",
  sourcePort: 49152,
  destinationPort: 443,
  protocol: 6,
  ipClassOfService: 0xb8,
  tcpControlBits: 0x11b,
  packets: 10,
  octets: 2 ** 40 + 4321,
  startUs: (nowMs - 5000) * 1000,
  endUs: (nowMs - 1000) * 1000 + 999,
  ingressInterface: 2,
  egressInterface: 70_000,
  flowDirection: 1,
  flowEndReason: 3,
  vlanId: 100,
  verdict: 2,
};

export const pingFlow: SampleFlow = {
  source: "2001:db8::1",
  destination: "2001:db8::2",
  sourcePort: 0,
  destinationPort: 128 * 256,
  protocol: 58,
  packets: 1,
  octets: 104,
  startUs: (nowMs - 5000) * 1000,
  endUs: (nowMs - 5000) * 1000,
};
