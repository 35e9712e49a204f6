/**
 * The taps that a plan wants: opened, attached to their subjects' meters, and opened again when an interface
 * comes back.
 */
import { readFileSync } from "node:fs";

import type { Fault, Result } from "../../base/mod.ts";
import type { EncapsulationSwitches } from "../../wire/packet/mod.ts";
import { attachMeters, createIntake, type Intake } from "../intake.ts";
import { discoverInterfaces, type HostInterface, interfaceIndex, isUp, masterOf } from "../interface.ts";
import type { Ledger } from "../ledger.ts";
import { ownAddressSet } from "../own-address.ts";
import type { CapturePlan, InterfaceStatus } from "../plan.ts";
import { createExcludedTable, lowestInterfaces, type SelectionPoint } from "../selection.ts";
import type { MeteredSubject } from "../subject.ts";
import type { Tap } from "../tap.ts";
import { trafficClassesOf } from "../traffic-class.ts";

export interface TapTable {
  readonly taps: ReadonlyMap<string, Tap>;
  /** Reads what is ready, within bounds. */
  read(): void;
  /** Reads every packet that the kernel has taken before this call; returns how many of them did not come. */
  catchUp(): number;
  /**
   * Opens, closes and attaches so that the taps are what `plan` and the host's interfaces ask for. Packets
   * that are not read yet are the new subjects'. Taps of interfaces that are gone are read to their end.
   */
  reconcile(plan: CapturePlan, subjects: Iterable<MeteredSubject>): void;
  /** Whether an interface that is tapped or wanted has come, gone, changed its index, or can be tapped now. */
  changed(): boolean;
  refreshOwnAddresses(): void;
  statuses(): InterfaceStatus[];
  /** Lets no more packets in, reads what is left, and closes the ledger of every tap. */
  finish(): void;
  close(): void;
}

export interface TapTableDeps {
  /** Encapsulations that are looked into; the decoder's defaults if absent. */
  readonly encapsulations?: EncapsulationSwitches;
  readonly ledger: Ledger;
  /** The host's addresses, in the 16-byte form. */
  readonly assignedAddresses: () => Uint8Array[];
  readonly openTap: (device: HostInterface, intake: Intake) => Result<Tap>;
  /** Whether taps can be opened on interfaces that are up only. */
  readonly tapsWhatIsUp?: boolean;
  /** Interfaces to choose from; the host's own unless a replay stands in for one. */
  readonly discover?: () => HostInterface[];
}

interface Table {
  readonly taps: Map<string, Tap>;
  readonly faults: Map<string, Fault>;
  readonly deps: TapTableDeps;
  /** Every name of the plan, in its order. */
  wantedNames: string[];
  devices: HostInterface[];
}

export function createTapTable(deps: TapTableDeps): TapTable {
  const discover = deps.discover ?? discoverInterfaces;
  const table: Table = { taps: new Map(), faults: new Map(), deps, wantedNames: [], devices: [] };
  return {
    taps: table.taps,
    read() {
      for (const tap of table.taps.values()) tap.read();
    },
    catchUp: () => [...table.taps.values()].reduce((missing, tap) => missing + tap.catchUp(), 0),
    reconcile(plan, subjects) {
      table.devices = discover();
      reconcile(table, plan, [...subjects]);
    },
    changed: () =>
      deps.discover === undefined &&
      table.wantedNames.some(
        (name) =>
          interfaceIndex(name) !== (deviceOf(table, name)?.index ?? 0) ||
          (waitsToBeUp(table, name) && isUp(name)),
      ),
    refreshOwnAddresses() {
      const own = ownAddressSet(deps.assignedAddresses());
      for (const tap of table.taps.values()) tap.intake.own = own;
    },
    statuses: () => table.wantedNames.map((name) => statusOf(table, name)),
    finish() {
      for (const tap of table.taps.values()) {
        tap.finish();
        deps.ledger.detach(tap);
      }
    },
    close() {
      for (const tap of table.taps.values()) tap.close();
      table.taps.clear();
    },
  };
}

function reconcile(table: Table, plan: CapturePlan, subjects: readonly MeteredSubject[]): void {
  table.wantedNames = [...new Set(subjects.flatMap(({ subject }) => subject.interfaceNames))];
  const wanted = new Map<string, MeteredSubject[]>();
  for (const metered of subjects) {
    for (const device of lowestInterfaces(metered.subject, table.devices, plan.loopback)) {
      wanted.set(device.name, [...(wanted.get(device.name) ?? []), metered]);
    }
  }
  for (const tap of table.taps.values()) {
    if (deviceOf(table, tap.name)?.index !== tap.index || tap.isOrphan()) closeGone(table, tap);
    else if (!wanted.has(tap.name)) closeUnwanted(table, tap);
  }
  const own = ownAddressSet(table.deps.assignedAddresses());
  const excluded = createExcludedTable(plan.excluded);
  for (const [name, attached] of wanted) {
    const device = deviceOf(table, name)!;
    if (waitsToBeUp(table, name)) {
      table.faults.delete(name);
      continue;
    }
    const tap = table.taps.get(name) ?? openTap(table, device, plan);
    if (tap === null) continue;
    tap.intake.own = own;
    tap.intake.excluded = excluded;
    tap.intake.point = pointOf(device, plan);
    attach(table, tap, attached);
  }
}

function waitsToBeUp({ deps, devices, taps }: Table, name: string): boolean {
  if (deps.tapsWhatIsUp !== true || taps.has(name)) return false;
  return devices.some((device) => device.name === name && !device.up);
}

/** The interface is gone, its subjects are not: its last packets are still theirs. */
function closeGone(table: Table, tap: Tap): void {
  tap.finish();
  table.deps.ledger.detach(tap);
  tap.close();
  table.taps.delete(tap.name);
}

function closeUnwanted(table: Table, tap: Tap): void {
  attach(table, tap, []);
  tap.close();
  table.taps.delete(tap.name);
}

function openTap(table: Table, device: HostInterface, plan: CapturePlan): Tap | null {
  const { encapsulations = {} } = table.deps;
  const intake = createIntake(device.index, pointOf(device, plan), { encapsulations });
  const opened = table.deps.openTap(device, intake);
  if (opened.ok) {
    table.taps.set(device.name, opened.value);
    table.faults.delete(device.name);
    return opened.value;
  }
  table.faults.set(device.name, opened.fault);
  return null;
}

function attach(table: Table, tap: Tap, attached: readonly MeteredSubject[]): void {
  attachMeters(
    tap.intake,
    attached.map(({ subject, meter }) => ({ meter, classes: trafficClassesOf(subject) })),
  );
  table.deps.ledger.reattach(
    tap,
    attached.map(({ subject }) => subject),
  );
}

function deviceOf(table: Table, name: string): HostInterface | undefined {
  return table.devices.find((device) => device.name === name);
}

function statusOf(table: Table, name: string): InterfaceStatus {
  const device = deviceOf(table, name);
  if (device === undefined) return { name, index: 0, state: "absent" };
  const fault = table.faults.get(name);
  if (fault !== undefined) return { name, index: device.index, state: "failed", fault };
  if (waitsToBeUp(table, name)) return { name, index: device.index, state: "down" };
  if (!table.taps.has(name)) return { name, index: device.index, state: "covered" };
  return { name, index: device.index, state: device.up ? "armed" : "down" };
}

function pointOf(device: HostInterface, plan: CapturePlan): SelectionPoint {
  const translates = plan.natInterfaces.includes(device.name);
  const forwardsIpv4 = translates && setting("net/ipv4/ip_forward", 0) !== 0;
  const forwardsIpv6 = translates && setting("net/ipv6/conf/all/forwarding", 0) !== 0;
  return {
    loopback: device.kind === "loopback",
    hasUpper: device.upperNames.length > 0,
    bridged: device.upperNames.length > 0 && masterOf(device.name) !== "",
    hopLimitIpv4: forwardsIpv4 ? setting("net/ipv4/ip_default_ttl", hopLimitDefault) : 0,
    hopLimitIpv6: forwardsIpv6 ? setting(`net/ipv6/conf/${device.name}/hop_limit`, hopLimitDefault) : 0,
  };
}

const hopLimitDefault = 64;

/** A kernel without the IP version has no such setting: then the fallback. */
function setting(path: string, fallback: number): number {
  try {
    return Number(readFileSync(`/proc/sys/${path}`, "utf8"));
  } catch {
    return fallback;
  }
}
