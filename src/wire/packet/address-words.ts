/** Addresses into columns: words whose bytes in memory are in network order, whatever the host's own. */
const hostIsLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Bytes 8 to 11 of an IPv4-mapped address, 00 00 ff ff, as a word of this host. */
const mappedPrefix = hostIsLittleEndian ? 0xffff0000 : 0x0000ffff;

/** Copies the IPv4 address at `at` to the four words at `word`, IPv4-mapped. */
export function copyIpv4Address(view: DataView, at: number, addresses: Uint32Array, word: number): void {
  addresses[word] = 0;
  addresses[word + 1] = 0;
  addresses[word + 2] = mappedPrefix;
  addresses[word + 3] = view.getUint32(at, hostIsLittleEndian);
}

/** Copies the two IPv6 addresses, source and destination, that begin at `at` to the eight words at `word`. */
export function copyIpv6Addresses(view: DataView, at: number, addresses: Uint32Array, word: number): void {
  for (let index = 0; index < 8; index++) {
    addresses[word + index] = view.getUint32(at + index * 4, hostIsLittleEndian);
  }
}
