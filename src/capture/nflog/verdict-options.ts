/** How the firewall's log is read. */

export const verdictDefaults = {
  /** From the IP header on: enough for every header that is decoded. */
  snapshotBytes: 128,
  /** How long a packet may be in the filter: a program behind nft's `queue` may think for so long. */
  waitMs: 500,
  /** What the kernel gathers before it hands over: as much as it takes, for a twentieth of a second at most. */
  bufferBytes: 128 * 1024,
  threshold: 200,
  timeoutMs: 50,
  /** What it keeps while nobody reads. */
  receiveBytes: 32 * 1024 * 1024,
} as const;
