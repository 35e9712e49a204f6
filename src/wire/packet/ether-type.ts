/** EtherTypes that lead, or may lead, to an IP packet (IEEE registry). */
export const etherTypes = {
  ipv4: 0x0800,
  ipv6: 0x86dd,
  vlan: 0x8100,
  /** 802.1ad service tag. */
  serviceVlan: 0x88a8,
  /** The service tag of switches older than 802.1ad. */
  legacyServiceVlan: 0x9100,
  mpls: 0x8847,
  /** Labels that the upstream router assigned (RFC 5332). */
  mplsMulticast: 0x8848,
  pppoeSession: 0x8864,
} as const;

/** EtherTypes begin here; a smaller number in their place is the length of an LLC frame. */
export const etherTypeMin = 0x600;
