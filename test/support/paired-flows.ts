/** Flows that several workers share: of each pair of addresses one, and which worker the kernel's program gives it to. */
import { shareProgram } from "../../src/capture/ring/share-program.ts";
import { runFilter } from "./filter-machine.ts";
import { bytesOf, ethernet, etherTypes, ipv4, ipv6, udp } from "./frame-builder.ts";
import type { FrameOrder } from "./frame-sender.ts";

const serviceTag = 0x88a8;
const fragmentHeader = 44;

export interface Pair {
  readonly source: string;
  readonly destination: string;
  readonly isIpv6: boolean;
  readonly orders: readonly FrameOrder[];
}

type Link = { readonly source: string; readonly destination: string };

/** One flow of each of many pairs of addresses: bare, tagged, in fragments and whole, IPv4 and IPv6. */
export function flowsOn(link: Link, reverse: boolean, times: number): Pair[] {
  return Array.from({ length: 48 }, (_, number): Pair => {
    const kind = number % 6;
    const isIpv6 = kind >= 4;
    const ends = isIpv6
      ? [`2001:db8::1:${number}`, `2001:db8::2:${number}`]
      : [`10.1.0.${number}`, `10.2.0.${number}`];
    const [source, destination] = (reverse ? ends.toReversed() : ends) as [string, string];
    const payloads = isIpv6
      ? payloads6(source, destination, kind === 5)
      : payloads4(source, destination, kind === 3);
    const tags = [[], [{ id: 7 }], [{ type: serviceTag, id: 8 }, { id: 9 }], [], [], []][kind]!;
    const etherType = isIpv6 ? etherTypes.ipv6 : etherTypes.ipv4;
    const orders = payloads.map((payload) => ({
      frame: ethernet({ ...link, tags }, etherType, payload),
      times,
    }));
    return { source, destination, isIpv6, orders };
  });
}

function payloads4(source: string, destination: string, inFragments: boolean): Uint8Array[] {
  const datagram = udp(1000, 53, 100);
  const whole = ipv4({ source, destination, protocol: 17 }, datagram);
  if (!inFragments) return [whole];
  const header = { source, destination, protocol: 17, identification: 77 };
  return [
    whole,
    ipv4({ ...header, moreFragments: true }, datagram.subarray(0, 64)),
    ipv4({ ...header, fragmentOffset: 8 }, datagram.subarray(64)),
  ];
}

function payloads6(source: string, destination: string, inFragments: boolean): Uint8Array[] {
  const datagram = udp(1000, 53, 100);
  const whole = ipv6({ source, destination, nextHeader: 17 }, datagram);
  if (!inFragments) return [whole];
  const fragment = (offset: number, more: number, part: Uint8Array): Uint8Array =>
    ipv6(
      { source, destination, nextHeader: fragmentHeader },
      bytesOf([17, 0, offset >>> 8, (offset & 0xff) | more, 0, 0, 0, 5], part),
    );
  return [whole, fragment(0, 1, datagram.subarray(0, 64)), fragment(64, 0, datagram.subarray(64))];
}

/** The worker that the kernel's program gives the pair to, in the order in which they joined. */
export function placeOf({ orders: [order], isIpv6 }: Pair, workers: number): number {
  const tagged = order!.frame;
  return (
    runFilter(shareProgram, {
      bytes: tagged,
      networkOffset: 14,
      packetType: 4,
      protocol: isIpv6 ? etherTypes.ipv6 : etherTypes.ipv4,
      hardware: 1,
    }).returned % workers
  );
}

/** The same of IPv4 on a device without link headers. */
export function placeOfRawIp(source: string, destination: string, workers: number): number {
  const bytes = ipv4({ source, destination, protocol: 17 }, udp(1, 2, 0));
  const packet = { bytes, networkOffset: 0, packetType: 0, protocol: etherTypes.ipv4, hardware: 0xfffe };
  return runFilter(shareProgram, packet).returned % workers;
}
