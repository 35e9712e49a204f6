/** Flows as a busy site has them: Zipf-like hosts, one in ten IPv6, a few services, many short flows. */
import { createFlowBatch, encodeFlowBatch } from "../../src/flow/mod.ts";

const hosts = 50_000;
const services = [443, 53, 80, 22, 123, 3306, 8080, 5060];

/** A generator of random numbers with a seed: every run stores the same flows. */
function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * The encoded batch of this sequence; its flows end in order of time, as a meter emits them. With several
 * sources, as many batches cover the same time, every other one has replies, and one flow in a hundred
 * scans the ports.
 */
export function makeBatch(sequence: number, rows: number, flowsPerSecond: number, sources = 1): Uint8Array {
  const random = createRandom(sequence);
  const header = { agentId: "agent-1", bootId: "1", sequence, flowLogId: "fl-1", resourceId: "sag-1" };
  const batch = createFlowBatch(rows, header);
  batch.count = rows;
  const { columns } = batch;
  const source = new DataView(columns.sourceAddress.buffer);
  const destination = new DataView(columns.destinationAddress.buffer);
  const baseUs = 1_767_225_600_000_000;
  for (let row = 0; row < rows; row++) {
    const isIpv6 = random() < 0.1;
    writeAddress(source, row, isIpv6, Math.floor(random() ** 4 * hosts));
    writeAddress(destination, row, isIpv6, hosts + Math.floor(random() ** 6 * hosts));
    const isUdp = random() < 0.4;
    const packets = Math.max(1, Math.floor(random() ** 8 * 4000));
    const durationUs = packets === 1 ? 0 : Math.floor(random() ** 3 * 60_000_000);
    const round = Math.floor((sequence - 1) / sources);
    const flowsBefore = (round * rows + row) * sources + ((sequence - 1) % sources);
    const endUs = baseUs + Math.floor((flowsBefore / flowsPerSecond) * 1_000_000);
    columns.endUs[row] = endUs;
    columns.startUs[row] = endUs - durationUs;
    columns.ipVersion[row] = isIpv6 ? 6 : 4;
    const clientPort = 32_768 + Math.floor(random() * 28_000);
    const service = services[Math.floor(random() ** 3 * services.length)]!;
    const serverPort = sources > 1 && random() < 0.01 ? Math.floor(random() * 65_536) : service;
    const isReply = sources > 1 && sequence % 2 === 0;
    columns.sourcePort[row] = isReply ? serverPort : clientPort;
    columns.destinationPort[row] = isReply ? clientPort : serverPort;
    columns.protocol[row] = isUdp ? 17 : 6;
    columns.tcpControlBits[row] = isUdp ? 0 : 0x1b;
    columns.packets[row] = packets;
    columns.octets[row] = packets * (60 + Math.floor(random() * 1400));
    columns.ingressInterface[row] = 2;
    columns.egressInterface[row] = 3;
    columns.flowDirection[row] = 0;
    columns.flowEndReason[row] = isUdp ? 1 : 3;
    columns.samplingInterval[row] = 1;
  }
  return encodeFlowBatch(batch);
}

function writeAddress(view: DataView, row: number, isIpv6: boolean, host: number): void {
  const at = row * 16;
  if (isIpv6) view.setUint32(at, 0x20_01_0d_b8);
  else view.setUint16(at + 10, 0xff_ff);
  view.setUint32(at + 12, isIpv6 ? host : 0x0a_00_00_00 + host);
}
