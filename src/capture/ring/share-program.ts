/**
 * The classic BPF program by which the kernel shares an interface's packets among workers: it hashes the pair of
 * IP addresses, of which every packet of a flow has the same, fragments too. What is not IP goes to the first member.
 *
 *     hash = (mix(source) + mix(destination)) × factor, its upper half     the same for both directions
 *     mix(address) = (h × factor) ^ (h × factor >> 16)     h: an IPv4 address; IPv6's words, each h = (h ^ word) × factor
 *
 * VLAN tags are looked through, tunnels are not: the outer addresses count. The kernel runs the program before
 * it puts the link header back, so that a packet that comes in begins at its IP header, and one that goes out
 * of an Ethernet device at its Ethernet header (af_packet.c, packet_rcv_fanout; linux/filter.h).
 */
import type { FilterInstruction } from "../../libc/mod.ts";
import { hardwareEthernet, hardwareLoopback, packetTypes } from "./layout.ts";

/** Instruction codes of linux/bpf_common.h and linux/filter.h: class, size or operation, mode or source. */
const codes = {
  loadConstant: 0x00,
  loadIndexConstant: 0x01,
  store: 0x02,
  jump: 0x05,
  tax: 0x07,
  addConstant: 0x04,
  addIndex: 0x0c,
  jumpIfEqual: 0x15,
  return: 0x16,
  loadWord: 0x20,
  multiply: 0x24,
  loadHalf: 0x28,
  loadWordAtIndex: 0x40,
  loadHalfAtIndex: 0x48,
  loadMemory: 0x60,
  loadIndexMemory: 0x61,
  shiftRight: 0x74,
  txa: 0x87,
  xorIndex: 0xac,
} as const;

/** Offsets of linux/filter.h that stand for what the kernel knows of a packet. */
const ancillary = -0x1000;
const ancillaryProtocol = ancillary;
const ancillaryPacketType = ancillary + 4;
const ancillaryHardware = ancillary + 28;
const networkHeader = -0x100000;

const etherTypeAt = 12;
const ethernetBytes = 14;
const vlanTagTypes = [0x8100, 0x88a8, 0x9100];
/** Besides the one that the kernel takes out of a frame that comes in. */
const tagsMax = 3;
const tagBytes = 4;
const etherTypeIpv4 = 0x0800;
const etherTypeIpv6 = 0x86dd;

const factor = 0x9e3779b1;

/** Cells of the program's memory. */
const memory = { base: 0, etherType: 1, hash: 2, source: 3 } as const;

type Step =
  | { readonly code: number; readonly operand?: number }
  /** Goes to the label if A is the operand. */
  | { readonly ifEqual: number; readonly to: string }
  | { readonly goto: string }
  | { readonly label: string };

export const shareProgram: readonly FilterInstruction[] = assemble([
  ...findEtherType(),
  ...skipTags(),
  { ifEqual: etherTypeIpv4, to: "ipv4" },
  { ifEqual: etherTypeIpv6, to: "ipv6" },
  { code: codes.loadConstant, operand: 0 },
  { goto: "end" },
  { label: "ipv4" },
  ...hashPair([12], [16]),
  { goto: "end" },
  { label: "ipv6" },
  ...hashPair([8, 12, 16, 20], [24, 28, 32, 36]),
  { label: "end" },
  { code: codes.return },
]);

/** Leaves the EtherType in A, and where what it tells of begins in X. */
function findEtherType(): Step[] {
  return [
    { code: codes.loadWord, operand: ancillaryPacketType },
    { ifEqual: packetTypes.outgoing, to: "outgoing" },
    { code: codes.loadIndexConstant, operand: 0 },
    { code: codes.loadWord, operand: ancillaryProtocol },
    { goto: "tags" },
    { label: "outgoing" },
    { code: codes.loadWord, operand: ancillaryHardware },
    { ifEqual: hardwareEthernet, to: "ethernet" },
    { ifEqual: hardwareLoopback, to: "ethernet" },
    { code: codes.loadIndexConstant, operand: networkHeader },
    { code: codes.loadWord, operand: ancillaryProtocol },
    { goto: "tags" },
    { label: "ethernet" },
    { code: codes.loadIndexConstant, operand: ethernetBytes },
    { code: codes.loadHalf, operand: etherTypeAt },
    { label: "tags" },
  ];
}

/** Loops are not to be had: one round for each tag. */
function skipTags(): Step[] {
  const rounds = Array.from({ length: tagsMax }, (_, round): Step[] => [
    ...vlanTagTypes.map((type) => ({ ifEqual: type, to: `tag${round}` })),
    { goto: "noTag" },
    { label: `tag${round}` },
    { code: codes.loadHalfAtIndex, operand: 2 },
    { code: codes.store, operand: memory.etherType },
    { code: codes.txa },
    { code: codes.addConstant, operand: tagBytes },
    { code: codes.tax },
    { code: codes.loadMemory, operand: memory.etherType },
  ]);
  return [...rounds.flat(), { label: "noTag" }];
}

/** Leaves the hash of two addresses in A, given where their words are. */
function hashPair(sourceWords: readonly number[], destinationWords: readonly number[]): Step[] {
  return [
    { code: codes.txa },
    { code: codes.store, operand: memory.base },
    ...hashAddress(sourceWords),
    { code: codes.store, operand: memory.source },
    { code: codes.loadIndexMemory, operand: memory.base },
    ...hashAddress(destinationWords),
    { code: codes.loadIndexMemory, operand: memory.source },
    { code: codes.addIndex },
    { code: codes.multiply, operand: factor },
    { code: codes.shiftRight, operand: 16 },
  ];
}

function hashAddress([first, ...others]: readonly number[]): Step[] {
  return [
    { code: codes.loadWordAtIndex, operand: first! },
    { code: codes.multiply, operand: factor },
    { code: codes.store, operand: memory.hash },
    ...others.flatMap((at): Step[] => [
      { code: codes.loadIndexMemory, operand: memory.base },
      { code: codes.loadWordAtIndex, operand: at },
      { code: codes.loadIndexMemory, operand: memory.hash },
      { code: codes.xorIndex },
      { code: codes.multiply, operand: factor },
      { code: codes.store, operand: memory.hash },
    ]),
    { code: codes.tax },
    { code: codes.shiftRight, operand: 16 },
    { code: codes.xorIndex },
  ];
}

/** Labels become the numbers of instructions to skip. */
function assemble(steps: readonly Step[]): FilterInstruction[] {
  const labels = new Map<string, number>();
  let length = 0;
  for (const step of steps) {
    if ("label" in step) labels.set(step.label, length);
    else length++;
  }
  const instructions: FilterInstruction[] = [];
  const skipTo = (label: string): number => labels.get(label)! - instructions.length - 1;
  for (const step of steps) {
    if ("label" in step) continue;
    if ("goto" in step) instructions.push({ code: codes.jump, operand: skipTo(step.goto) });
    else if ("ifEqual" in step) {
      instructions.push({ code: codes.jumpIfEqual, jumpTrue: skipTo(step.to), operand: step.ifEqual });
    } else instructions.push({ operand: 0, ...step });
  }
  return instructions;
}
