/** What a running Weir does by itself: follow changes, look for interfaces, let old records go. */
import { systemClock, toFault } from "../base/mod.ts";
import { startClockWatch } from "./clock-watch.ts";
import { discoveredInterfaces } from "./interfaces.ts";
import { hostInterfaces, syncResources } from "./resources.ts";
import type { System } from "./system.ts";

const interfacesEveryMs = 5000;
const retentionEveryMs = 3_600_000;

export function startHousekeeping(system: System): void {
  const { control, logger, metrics, reconciler, shutdown, store } = system;
  const unsubscribe = control.onChange(({ subject, action }) => {
    if (subject !== "accessKey" && action !== "settled") void reconciler.reconcile();
  });
  control.logProjects.onLogstoreDeleted((logstore) => {
    void reconciler.reconcile();
    void store.dropLogstore(logstore.id).then((dropped) => {
      if (!dropped.ok)
        logger.warn(
          { logstore: logstore.id, fault: dropped.fault },
          "records of a deleted logstore stay until the next retention",
        );
    });
  });
  const timers = [
    setInterval(createInterfaceWatch(system), interfacesEveryMs),
    setInterval(() => void expireRecords(system), retentionEveryMs),
  ];
  const endClockWatch = startClockWatch({ clock: systemClock, logger, metrics });
  shutdown.add("housekeeping", () => {
    unsubscribe();
    endClockWatch();
    for (const timer of timers) clearInterval(timer);
  });
  void expireRecords(system);
}

/** Looks at the host's interfaces; on a change brings resources and capture up to date. */
function createInterfaceWatch(system: System): () => void {
  const look = (): string => JSON.stringify(discoveredInterfaces(hostInterfaces(system.configuration)));
  let known = look();
  return () => {
    try {
      const found = look();
      if (found === known) return;
      followInterfaces(system);
      known = found;
    } catch (error) {
      system.logger.error(
        { fault: toFault(error) },
        "the host's interfaces cannot be followed, trying again",
      );
    }
  };
}

function followInterfaces(system: System): void {
  const synced = syncResources(system);
  if (!synced.ok) system.logger.error({ fault: synced.fault }, "the list of resources is out of date");
  void system.reconciler.reconcile();
}

async function expireRecords({ control, logger, steadyClock, store }: System): Promise<void> {
  steadyClock.save();
  try {
    const retentions = control.logProjects
      .allLogstores()
      .map(({ id, retentionDays }) => ({ logstore: id, days: retentionDays }));
    const expired = await store.expire(retentions);
    if (!expired.ok)
      logger.warn({ fault: expired.fault }, "records past their retention stay until the next try");
  } catch (error) {
    logger.error({ fault: toFault(error) }, "retention failed");
  }
}
