import { parseAddress, unwrap } from "../../src/base/mod.ts";
import { createFlowBatch, encodeFlowBatch, type FlowBatch } from "../../src/flow/mod.ts";
import type { StoreTarget } from "../../src/store/mod.ts";

export const sampleTarget: StoreTarget = {
  logstore: 1,
  flowLogId: "fl-1",
  resourceId: "sag-1",
  resourceSerial: "serial-1",
  accountId: "1000000000000001",
  regionId: "cn-shanghai",
};

/** 2026-01-01T00:00:00Z */
export const sampleTimeUs = 1_767_225_600_000_000;

/** More than a second: a record's time is its end in seconds, and not its start. */
export const sampleDurationUs = 2_500_000;

/** A batch whose rows all differ, and differ from those of every other sequence. */
export function sampleBatch(sequence: number, rows: number, durationUs = sampleDurationUs): FlowBatch {
  const batch = createFlowBatch(rows, {
    agentId: "agent",
    bootId: "boot",
    sequence,
    flowLogId: "fl-1",
    resourceId: "sag-1",
  });
  batch.count = rows;
  const { columns } = batch;
  const source = new Uint8Array(columns.sourceAddress.buffer);
  const destination = new Uint8Array(columns.destinationAddress.buffer);
  const ipv4 = unwrap(parseAddress("192.0.2.0"));
  const ipv6 = unwrap(parseAddress("2001:db8::1"));
  for (let row = 0; row < rows; row++) {
    const isIpv6 = row % 10 === 9;
    const number = sequence * 1000 + row;
    columns.startUs[row] = sampleTimeUs + number * 1000;
    columns.endUs[row] = columns.startUs[row]! + durationUs;
    columns.ipVersion[row] = isIpv6 ? 6 : 4;
    source.set(isIpv6 ? ipv6 : ipv4, row * 16);
    source[row * 16 + 15] = row % 200;
    destination.set(isIpv6 ? ipv6 : ipv4, row * 16);
    columns.sourcePort[row] = 1024 + (row % 60_000);
    columns.destinationPort[row] = 443;
    columns.protocol[row] = 6;
    columns.packets[row] = 1 + row;
    columns.octets[row] = number;
    columns.samplingInterval[row] = 1;
    columns.flowDirection[row] = 255;
  }
  return batch;
}

export function sampleBytes(sequence: number, rows: number): Uint8Array {
  return encodeFlowBatch(sampleBatch(sequence, rows));
}
