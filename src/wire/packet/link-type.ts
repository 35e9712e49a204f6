/** Link types as pcap and pcapng files number them (tcpdump.org, LINKTYPE_ values). */
export const linkTypes = {
  null: 0,
  ethernet: 1,
  ppp: 9,
  /** DLT_RAW of most systems and of OpenBSD, met in files whose writer did not map it to 101. */
  rawBsd: 12,
  rawOpenbsd: 14,
  /** PPP in HDLC-like framing, or Cisco HDLC. */
  pppHdlc: 50,
  pppoe: 51,
  raw: 101,
  ciscoHdlc: 104,
  loop: 108,
  linuxSll: 113,
  pppWithDirection: 204,
  ipv4: 228,
  ipv6: 229,
  nflog: 239,
  linuxSll2: 276,
} as const;
