/** Link types as pcap and pcapng files number them (tcpdump.org, LINKTYPE_ values). */
export const linkTypes = {
  null: 0,
  ethernet: 1,
  /** DLT_RAW of most systems and of OpenBSD, met in files whose writer did not map it to 101. */
  rawBsd: 12,
  rawOpenbsd: 14,
  raw: 101,
  loop: 108,
  linuxSll: 113,
  ipv4: 228,
  ipv6: 229,
  nflog: 239,
  linuxSll2: 276,
} as const;
