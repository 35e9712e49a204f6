/** Whether the clock can be trusted: signatures, records and aging all go by it. */
import { spawnSync } from "node:child_process";

import { type Check, failed, passed, warned } from "./check.ts";

/** No clock that was ever set is before this. */
const plausibleMs = Date.parse("2025-01-01T00:00:00Z");

export function checkClock(nowMs: number = Date.now()): Check {
  const name = "clock";
  const now = new Date(nowMs).toISOString();
  if (nowMs < plausibleMs) {
    return failed(
      name,
      `it says ${now}: every signed request would be refused`,
      "sudo date --set, then start NTP",
    );
  }
  const asked = spawnSync("timedatectl", ["show", "--property=NTPSynchronized", "--value"], {
    encoding: "utf8",
    timeout: 5000,
  });
  const answer = asked.status === 0 ? asked.stdout.trim() : "unknown";
  if (answer === "yes") return passed(name, `${now}, kept by NTP`);
  if (answer === "unknown") return passed(name, `${now}; whether NTP keeps it cannot be told here`);
  return warned(
    name,
    `${now}, not kept by NTP: clients more than 15 minutes off are refused`,
    "sudo timedatectl set-ntp true, or apt-get install chrony",
  );
}
