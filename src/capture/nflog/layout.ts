/**
 * The shapes of netlink's log service: linux/netlink.h, linux/netfilter/nfnetlink.h and
 * linux/netfilter/nfnetlink_log.h. Headers are in the host's byte order, values of attributes in network order.
 */

export const familyNetlink = 16;
export const protocolNetfilter = 12;

/** struct nlmsghdr: length, type, flags, sequence, port; then struct nfgenmsg: family, version, group. */
export const messageHeaderBytes = 16;
export const netfilterHeaderBytes = 4;
export const attributeHeaderBytes = 4;
export const attributeTypeMask = 0x3fff;

export const typeError = 2;
/** NFNL_SUBSYS_ULOG << 8, with NFULNL_MSG_PACKET and NFULNL_MSG_CONFIG. */
export const typeLoggedPacket = 0x0400;
export const typeLogConfig = 0x0401;

export const flagRequest = 1;
export const flagAcknowledge = 4;

/** NFULA_*, of a logged packet. */
export const attributePacketHeader = 1;
export const attributeTimestamp = 3;
export const attributeIngressInterface = 4;
export const attributeEgressInterface = 5;
export const attributePayload = 9;
export const attributePrefix = 10;
export const attributeSequence = 12;

/** NFULA_CFG_*, of the configuration. */
export const attributeCommand = 1;
export const attributeMode = 2;
export const attributeBufferBytes = 3;
export const attributeTimeout = 4;
export const attributeThreshold = 5;
export const attributeFlags = 6;
export const commandBind = 1;
export const copyPacket = 2;
export const flagSequence = 1;

/** Hooks of linux/netfilter.h that the table of firewall-table.ts logs at. */
export const hooks = { input: 1, forward: 2, output: 3 } as const;
