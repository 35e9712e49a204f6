/** What the header decoders share while they walk one frame. */
import { createTunnelTable, defaultEncapsulations, type EncapsulationSwitches } from "./encapsulation.ts";
import { createFragmentTable, type FragmentTable } from "./fragment.ts";
import { createPlainTransports } from "./plain.ts";
import { decodeOutcomeNames, decodeOutcomes, type DecodeStep } from "./outcome.ts";

export interface PacketDecoderOptions {
  /** Fragmented datagrams remembered at a time; rounded up to a power of two. Default 4,096. */
  readonly fragmentsMax?: number;
  /** How long a first fragment is remembered, microseconds of packet time. Default 30 s, as Linux keeps them. */
  readonly fragmentTimeoutUs?: number;
  /** Seed of the fragment table's hash; random if absent. */
  readonly seed?: number;
  /** Encapsulations that are looked into; those left out are as in `defaultEncapsulations`. */
  readonly encapsulations?: Partial<EncapsulationSwitches>;
}

/**
 * A decoder's state. Offsets are into the buffer that decodeFrame() was given and move as headers are
 * consumed; the results beside the row (interface, direction) hold until the next frame.
 */
export interface PacketDecoder {
  /** Where the next header begins. */
  at: number;
  /** Where the captured octets end. */
  end: number;
  /** Where the octets that were on the wire would end; beyond `end` if the capture cut the frame. */
  wireEnd: number;
  vlanId: number;
  /** The interface that a Linux cooked v2 header names; 0 if the link header names none. */
  interfaceIndex: number;
  /** The direction that a Linux cooked header names (flowDirections of flow/); 255 otherwise. */
  direction: number;
  /** Tunnels entered in the frame; 0 between frames. */
  tunnels: number;
  readonly encapsulations: EncapsulationSwitches;
  /** The tunnels that are entered, by the IP protocol number in an IPv4 and in an IPv6 packet. */
  readonly ipv4Tunnels: Uint16Array<ArrayBuffer>;
  readonly ipv6Tunnels: Uint16Array<ArrayBuffer>;
  /** The protocols that are decoded without a walk (plain.ts). */
  readonly ipv4PlainTransports: Int32Array<ArrayBuffer>;
  readonly ipv6PlainTransports: Int32Array<ArrayBuffer>;
  readonly fragments: FragmentTable;
  /** Frames by outcome, indexed by its number. */
  readonly outcomes: Float64Array<ArrayBuffer>;
  /** Packets metered by the IP header inside a tunnel. */
  decapsulated: number;
  /** Packets metered by a header around the innermost one, which holds no IP or could not be read. */
  innerUnread: number;
}

export function createPacketDecoder(options: PacketDecoderOptions = {}): PacketDecoder {
  const encapsulations = { ...defaultEncapsulations, ...options.encapsulations };
  const ipv4Tunnels = createTunnelTable(4, encapsulations);
  const ipv6Tunnels = createTunnelTable(6, encapsulations);
  return {
    at: 0,
    end: 0,
    wireEnd: 0,
    vlanId: 0,
    interfaceIndex: 0,
    direction: 255,
    tunnels: 0,
    encapsulations,
    ipv4Tunnels,
    ipv6Tunnels,
    ipv4PlainTransports: createPlainTransports(ipv4Tunnels),
    ipv6PlainTransports: createPlainTransports(ipv6Tunnels),
    fragments: createFragmentTable(
      options.fragmentsMax ?? 4096,
      options.fragmentTimeoutUs ?? 30_000_000,
      options.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!,
    ),
    outcomes: new Float64Array(decodeOutcomeNames.length),
    decapsulated: 0,
    innerUnread: 0,
  };
}

/** The outcome of a frame that ends before `needed`: cut by the capture, or too short on the wire already. */
export function endedEarly(decoder: PacketDecoder, needed: number): DecodeStep {
  return needed > decoder.wireEnd ? decodeOutcomes.malformed : decodeOutcomes.truncated;
}
