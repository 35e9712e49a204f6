/** Writes frames as records of a classic pcap file with microseconds, little-endian. */

const chunkBytes = 1 << 20;
const recordHeaderBytes = 16;
const ethernetBytes = 14;
const frameBytesMin = 60;

export interface Frame {
  timestampUs: number;
  isIpv6: boolean;
  /** Host parts of the addresses; the sender of a reverse packet is the server. */
  source: number;
  destination: number;
  sourceIsServer: boolean;
  protocol: number;
  sourcePort: number;
  destinationPort: number;
  tcpControlBits: number;
  icmpType: number;
  payloadBytes: number;
  sequence: number;
}

export interface FrameWriter {
  /** Writes the frame and returns its layer-3 octets. */
  write(frame: Frame): number;
  end(): void;
}

const transportBytes: Readonly<Record<number, number>> = { 1: 8, 6: 20, 17: 8, 58: 8 };

/** A writer that hands over full chunks; a chunk may be reused as soon as `output` returned. */
export function createFrameWriter(snapLength: number, output: (bytes: Uint8Array) => void): FrameWriter {
  const bytes = new Uint8Array(chunkBytes);
  const view = new DataView(bytes.buffer);
  let at = writeFileHeader(view, snapLength);
  return {
    write: (frame) => {
      if (at + recordHeaderBytes + Math.max(snapLength, 128) > chunkBytes) {
        output(bytes.subarray(0, at));
        at = 0;
      }
      const ipBytes = frame.isIpv6 ? 40 : 20;
      const octets = ipBytes + transportBytes[frame.protocol]! + frame.payloadBytes;
      const wireLength = Math.max(frameBytesMin, ethernetBytes + octets);
      const capturedLength = Math.min(snapLength, wireLength);
      const seconds = Math.floor(frame.timestampUs / 1e6);
      view.setUint32(at, seconds, true);
      view.setUint32(at + 4, frame.timestampUs - seconds * 1e6, true);
      view.setUint32(at + 8, capturedLength, true);
      view.setUint32(at + 12, wireLength, true);
      const start = at + recordHeaderBytes;
      bytes.fill(0, start, start + Math.max(capturedLength, 96));
      view.setUint32(start, 0x02000000);
      view.setUint32(start + 6, 0x02000000);
      view.setUint16(start + 12, frame.isIpv6 ? 0x86dd : 0x0800);
      if (frame.isIpv6) writeIpv6(view, start + ethernetBytes, frame, octets);
      else writeIpv4(view, start + ethernetBytes, frame, octets);
      writeTransport(view, start + ethernetBytes + ipBytes, frame, octets - ipBytes);
      at = start + capturedLength;
      return octets;
    },
    end: () => output(bytes.subarray(0, at)),
  };
}

function writeFileHeader(view: DataView, snapLength: number): number {
  view.setUint32(0, 0xa1b2c3d4, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, 1, true);
  return 24;
}

/** Clients are 10.0.0.0/8, servers 198.18.0.0/15 (RFC 2544). */
export function ipv4Address(host: number, isServer: boolean): number {
  return (isServer ? 0xc6120000 : 0x0a000000) + host;
}

function writeIpv4(view: DataView, at: number, frame: Frame, octets: number): void {
  view.setUint16(at, 0x4500);
  view.setUint16(at + 2, octets);
  view.setUint16(at + 4, frame.sequence);
  view.setUint16(at + 6, 0x4000);
  view.setUint16(at + 8, 0x4000 | frame.protocol);
  view.setUint32(at + 12, ipv4Address(frame.source, frame.sourceIsServer));
  view.setUint32(at + 16, ipv4Address(frame.destination, !frame.sourceIsServer));
  let sum = 0;
  for (let word = 0; word < 20; word += 2) sum += view.getUint16(at + word);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(at + 10, ~(sum + (sum >>> 16)));
}

/** Clients are 2001:db8:c::/96, servers 2001:db8:5::/96. */
function writeIpv6(view: DataView, at: number, frame: Frame, octets: number): void {
  view.setUint32(at, 0x60000000);
  view.setUint16(at + 4, octets - 40);
  view.setUint16(at + 6, (frame.protocol << 8) | 64);
  writeIpv6Address(view, at + 8, frame.source, frame.sourceIsServer);
  writeIpv6Address(view, at + 24, frame.destination, !frame.sourceIsServer);
}

function writeIpv6Address(view: DataView, at: number, host: number, isServer: boolean): void {
  view.setUint32(at, 0x20010db8);
  view.setUint32(at + 4, isServer ? 0x00050000 : 0x000c0000);
  view.setUint32(at + 12, host);
}

function writeTransport(view: DataView, at: number, frame: Frame, octets: number): void {
  switch (frame.protocol) {
    case 6:
      view.setUint16(at, frame.sourcePort);
      view.setUint16(at + 2, frame.destinationPort);
      view.setUint32(at + 4, frame.sequence);
      view.setUint16(at + 12, 0x5000 | frame.tcpControlBits);
      view.setUint16(at + 14, 0xffff);
      return;
    case 17:
      view.setUint16(at, frame.sourcePort);
      view.setUint16(at + 2, frame.destinationPort);
      view.setUint16(at + 4, octets);
      return;
    default:
      view.setUint8(at, frame.icmpType);
      view.setUint16(at + 6, frame.sequence);
  }
}
