/** Whether packets can be captured here: privilege, packet sockets, and tcpdump as the way out. */
import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

import { createFirewall } from "../../capture/mod.ts";
import { type Check, failed, passed, warned } from "./check.ts";
import { readText } from "./platform.ts";
import type { RingProbe } from "./ring-probe.ts";

const capabilityNetRaw = 13n;
const probeTimeoutMs = 10_000;
const errnoNames: Readonly<Record<number, string>> = {
  1: "EPERM",
  13: "EACCES",
  92: "ENOPROTOOPT",
  97: "EAFNOSUPPORT",
};

export async function checkCapture(verdictGroup: number): Promise<Check[]> {
  const hasTcpdump = isOnPath("tcpdump");
  const verdicts = await checkVerdicts(verdictGroup);
  return [checkPrivilege(), checkRing(hasTcpdump), checkTcpdump(hasTcpdump), verdicts];
}

/** Not having them is no fault: only flow logs that tell accepted from rejected need them. */
async function checkVerdicts(group: number): Promise<Check> {
  const name = "verdicts";
  const state = await createFirewall(group).state();
  if (!state.ok) return passed(name, `not looked for: ${state.fault.message}`);
  if (state.value === "applied") return passed(name, "the firewall logs what it accepts and rejects");
  if (state.value === "absent") {
    return passed(name, "the firewall does not log what it decides; sudo ./weir firewall apply makes it");
  }
  return warned(name, "the table weir in the firewall is not this Weir's", "sudo ./weir firewall apply");
}

function checkPrivilege(): Check {
  const name = "privilege";
  const effective = /^CapEff:\s*([0-9a-f]+)$/mu.exec(readText("/proc/self/status"))?.[1] ?? "0";
  if (((BigInt(`0x${effective}`) >> capabilityNetRaw) & 1n) === 1n) {
    const isRoot = process.getuid?.() === 0;
    return passed(name, `${isRoot ? "root" : "this user"} may capture packets (CAP_NET_RAW)`);
  }
  return warned(
    name,
    "this user may not capture packets (CAP_NET_RAW is missing); the APIs and the log service work without",
    "sudo ./weir serve; docs/how-to/privileges.md tells how a service gets that capability alone",
  );
}

function checkRing(hasTcpdump: boolean): Check {
  const name = "packet ring";
  const { step, errno } = probeRing();
  const reason = errnoNames[errno] ?? `errno ${errno}`;
  if (step === "ok") return passed(name, "the kernel gives AF_PACKET sockets with TPACKET_V3");
  if (step === "socket" && (errno === 1 || errno === 13)) {
    return warned(name, `not tried: a packet socket needs CAP_NET_RAW (${reason})`, "sudo ./weir doctor");
  }
  const text =
    step === "ffi"
      ? "this Node.js has no working node:ffi"
      : `the kernel refuses ${step === "socket" ? "AF_PACKET sockets" : "TPACKET_V3"} (${reason})`;
  return hasTcpdump
    ? warned(name, `${text}; packets are read through tcpdump, more slowly`)
    : failed(name, text, "apt-get install tcpdump");
}

function probeRing(): RingProbe {
  const probe = fileURLToPath(new URL("ring-probe.ts", import.meta.url));
  const child = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", probe], {
    encoding: "utf8",
    timeout: probeTimeoutMs,
  });
  try {
    return JSON.parse(child.stdout) as RingProbe;
  } catch {
    return { step: "ffi", errno: 0 };
  }
}

function checkTcpdump(hasTcpdump: boolean): Check {
  const name = "tcpdump";
  if (hasTcpdump) return passed(name, "installed, for where the ring cannot be had");
  return warned(name, "not installed: there is nothing to fall back to", "apt-get install tcpdump");
}

function isOnPath(program: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
