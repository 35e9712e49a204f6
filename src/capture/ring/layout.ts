/**
 * The shapes that the kernel gives a TPACKET_V3 receive ring (linux/if_packet.h and
 * Documentation/networking/packet_mmap.rst): byte offsets, options and flags.
 *
 *     ring   = blockCount × block
 *     block  = struct tpacket_block_desc, then packets chained by tp_next_offset
 *     packet = struct tpacket3_hdr (48 bytes), struct sockaddr_ll, padding, frame from tp_mac on
 */

export const familyPacket = 17;
export const typeRaw = 3;
/** ETH_P_ALL in network byte order, as bind() wants it. */
export const protocolAllNetworkOrder = 0x0300;

export const levelSocket = 1;
export const optionError = 4;
export const optionAttachFilter = 26;
export const levelPacket = 263;
export const optionReceiveRing = 5;
export const optionStatistics = 6;
export const optionVersion = 10;
export const optionFanout = 18;
export const optionFanoutData = 22;
export const fanoutByProgram = 6;
export const packetVersion3 = 2;

/** struct tpacket_block_desc, in bytes from the start of a block. */
export const blockStatus = 8;
export const blockPacketCount = 12;
export const blockFirstPacket = 16;
export const blockStatusUser = 1;

/** struct tpacket3_hdr and the struct sockaddr_ll behind it, in bytes from the start of a packet. */
export const packetNextOffset = 0;
export const packetSeconds = 4;
export const packetNanoseconds = 8;
export const packetCapturedLength = 12;
export const packetWireLength = 16;
export const packetStatus = 20;
export const packetLinkOffset = 24;
export const packetNetworkOffset = 26;
export const packetVlanTag = 32;
export const packetProtocol = 50;
export const packetHardwareType = 56;
export const packetType = 58;

export const statusVlanValid = 1 << 4;

/** sockaddr_ll.sll_pkttype, and one of ours for sources that do not tell. */
export const packetTypes = {
  host: 0,
  broadcast: 1,
  multicast: 2,
  otherHost: 3,
  outgoing: 4,
  unknown: 255,
} as const;

/** ARPHRD_* of linux/if_arp.h: the link types whose frames begin with an Ethernet header. */
export const hardwareEthernet = 1;
export const hardwareLoopback = 772;

/** A frame's smallest slot, as PACKET_RX_RING wants one named; version 3 packs frames by their length. */
export const frameBytes = 2048;
