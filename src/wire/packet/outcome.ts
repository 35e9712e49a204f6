/** What became of a frame. Every frame has exactly one outcome, so that frames read = the sum of all. */
export const decodeOutcomes = {
  /** The row holds an IP packet. */
  packet: 0,
  /** A sound frame of another protocol: ARP, LLDP, spanning tree. */
  notIp: 1,
  /** The capture ends before the IP header does; the packet's addresses are not known. */
  truncated: 2,
  /** The headers contradict themselves, or the frame was too short on the wire already. */
  malformed: 3,
  /** The capture's link type is none of `linkTypes`. */
  unsupportedLink: 4,
} as const;

export type DecodeOutcomeName = keyof typeof decodeOutcomes;
export type DecodeOutcome = (typeof decodeOutcomes)[DecodeOutcomeName];

/** The names in the order of their numbers. */
export const decodeOutcomeNames = Object.keys(decodeOutcomes) as readonly DecodeOutcomeName[];

/**
 * What a header's decoder returns: the EtherType of the header that now stands at `decoder.at`, one of the
 * IP protocol numbers in `tunnelSteps`, or an outcome. They do not collide: an EtherType is 0x600 or more
 * (IEEE 802.3 section 3.2.6), and the protocol numbers are greater than every outcome.
 */
export type DecodeStep = number;
