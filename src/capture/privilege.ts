/**
 * Giving up every privilege but CAP_NET_RAW.
 *
 * User, group and supplementary groups change for the whole process, because the C library's calls change
 * every thread. Capabilities and no_new_privs belong to a thread: Node's helper threads lose theirs with the
 * user id, since only this thread asked to keep them (PR_SET_KEEPCAPS), and a seccomp filter that allows
 * everything, installed with SECCOMP_FILTER_FLAG_TSYNC, carries no_new_privs to all of them (seccomp(2)).
 */
import { readdirSync, readFileSync } from "node:fs";

import { fail, type Fault, fault, ok, type Result } from "../base/mod.ts";
import { type Libc, type LibcResult, withConstantFilter } from "../libc/mod.ts";
import type { CaptureMethod, PrivilegeReport } from "./plan.ts";

const capabilityNetAdministration = 12;
const capabilityNetRaw = 13;
const capabilitiesMax = 64;
const prSetKeepCapabilities = 8;
const prBoundingSetDrop = 24;
const prSetNoNewPrivileges = 38;
const prAmbient = 47;
const prAmbientIsSet = 1n;
const prAmbientRaise = 2n;
const prAmbientLower = 3n;
const prAmbientClearAll = 4n;
const capabilityVersion3 = 0x20080522;
const seccompSetModeFilter = 1;
const seccompFlagSynchroniseThreads = 1;
const seccompAllow = 0x7fff0000;

/** The one capability that a capture process of each method needs; the others need none. */
export const neededCapabilities: Readonly<Record<CaptureMethod, number | null>> = {
  ring: capabilityNetRaw,
  // It is given the socket that takes CAP_NET_ADMIN to open.
  nflog: null,
  tcpdump: null,
  replay: null,
};

/** The fault of a capture that lacks CAP_NET_RAW, with the command that mends it. */
export function privilegeMissing(detail: string): Fault {
  return fault("PrivilegeMissing", `capturing packets needs root or CAP_NET_RAW (${detail})`, {
    remedy: "sudo ./weir serve",
  });
}

/**
 * Drops to `userId` and `groupId` with CAP_NET_RAW alone and proves it. A process that is not root keeps
 * its ids and drops what capabilities it has besides CAP_NET_RAW.
 */
export function dropPrivileges(libc: Libc, userId: number, groupId: number): Result<PrivilegeReport> {
  const canCapture = (BigInt(`0x${readPrivileges().permitted}`) & netRawMask) !== 0n;
  if (!canCapture) return { ok: false, fault: privilegeMissing("no CAP_NET_RAW") };
  return drop(libc, userId, groupId, Number(netRawMask));
}

/** The same without any capability, for a process that has opened what it needs. */
export function dropCapabilities(libc: Libc, userId: number, groupId: number): Result<PrivilegeReport> {
  return drop(libc, userId, groupId, 0);
}

function drop(libc: Libc, userId: number, groupId: number, keptMask: number): Result<PrivilegeReport> {
  const isRoot = process.geteuid?.() === 0;
  const steps: readonly (() => LibcResult<number>)[] = isRoot
    ? [
        () => libc.prctl(prSetKeepCapabilities, 1n),
        () => shrinkBoundingSet(libc),
        () => libc.setgroups([]),
        () => libc.setresgid(groupId),
        () => libc.setresuid(userId),
      ]
    : [];
  const lastSteps = [
    () => keepOnly(libc, keptMask),
    () => libc.prctl(prSetNoNewPrivileges, 1n),
    () => spreadNoNewPrivileges(libc),
  ];
  for (const step of [...steps, ...lastSteps]) {
    const done = step();
    if (!done.ok) {
      return fail("CaptureUnavailable", `cannot drop privileges: ${done.error.call}: ${done.error.name}`);
    }
  }
  libc.prctl(prAmbient, prAmbientClearAll);
  return ok(readPrivileges());
}

const netRawMask = 1n << BigInt(capabilityNetRaw);

/** Root in a container may lack CAP_SETPCAP; then the set stays, and no_new_privs makes it moot. */
function shrinkBoundingSet(libc: Libc): LibcResult<number> {
  for (let capability = 0; capability < capabilitiesMax; capability++) {
    if (capability !== capabilityNetRaw) libc.prctl(prBoundingSetDrop, BigInt(capability));
  }
  return { ok: true, value: 0 };
}

function keepOnly(libc: Libc, mask: number): LibcResult<number> {
  const header = Uint32Array.of(capabilityVersion3, 0);
  // Two of struct __user_cap_data_struct: effective, permitted, inheritable; the low 32 capabilities first.
  return libc.capset(header, Uint32Array.of(mask, mask, 0, 0, 0, 0));
}

/** A kernel without seccomp leaves helper threads without no_new_privs; the report tells. */
function spreadNoNewPrivileges(libc: Libc): LibcResult<number> {
  withConstantFilter(libc, seccompAllow, (program) =>
    libc.seccomp(seccompSetModeFilter, seccompFlagSynchroniseThreads, program),
  );
  return { ok: true, value: 0 };
}

/**
 * Runs `start`, which makes a process, so that of this one's ambient capabilities the process gets none but
 * `kept`: a service that is not root hands them on to all threads of its children, and a thread can give up
 * its own only.
 */
export function withAmbientOnly<T>(libc: Libc, kept: number | null, start: () => T): T {
  const lowered: bigint[] = [];
  for (let capability = 0; capability < capabilitiesMax; capability++) {
    const isSet = libc.prctl(prAmbient, prAmbientIsSet, BigInt(capability));
    if (capability === kept || !isSet.ok || isSet.value === 0) continue;
    if (libc.prctl(prAmbient, prAmbientLower, BigInt(capability)).ok) lowered.push(BigInt(capability));
  }
  try {
    return start();
  } finally {
    for (const capability of lowered) libc.prctl(prAmbient, prAmbientRaise, capability);
  }
}

/** Becomes `userId` and `groupId` without any capability, through Node alone: for captures that others feed. */
export function dropAllPrivileges(userId: number, groupId: number): Result<PrivilegeReport> {
  if (process.geteuid?.() === 0) {
    process.setgroups?.([]);
    process.setgid?.(groupId);
    process.setuid?.(userId);
  }
  return ok(readPrivileges());
}

/** Whether this process has CAP_NET_ADMIN. */
export function canAdministerNetwork(): boolean {
  const effective = BigInt(`0x${readPrivileges().effective}`);
  return (effective & (1n << BigInt(capabilityNetAdministration))) !== 0n;
}

/** What the kernel says of this process and of each of its threads. */
export function readPrivileges(): PrivilegeReport {
  const status = readStatus("/proc/self/status");
  const userId = Number(status.get("Uid")?.split("\t")[1] ?? -1);
  const noNewPrivileges = status.get("NoNewPrivs") === "1";
  const threads = readdirSync("/proc/self/task").map((id) => readStatus(`/proc/self/task/${id}/status`));
  return {
    userId,
    groupId: Number(status.get("Gid")?.split("\t")[1] ?? -1),
    groups: (status.get("Groups") ?? "").split(" ").filter(Boolean).map(Number),
    effective: status.get("CapEff") ?? "",
    permitted: status.get("CapPrm") ?? "",
    bounding: status.get("CapBnd") ?? "",
    noNewPrivileges,
    threadsDiffering: threads.filter((thread) => {
      const permitted = BigInt(`0x${thread.get("CapPrm") ?? "0"}`);
      return (
        thread
          .get("Uid")
          ?.split("\t")
          .every((id) => Number(id) === userId) !== true ||
        (permitted & ~netRawMask) !== 0n ||
        thread.get("NoNewPrivs") !== status.get("NoNewPrivs")
      );
    }).length,
  };
}

function readStatus(path: string): Map<string, string> {
  const lines = readFileSync(path, "utf8").trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}
