/**
 * Resources: what flow logs observe, a tree of VPCs, subnets and interfaces, and gateways beside it. What is
 * found on the host and what the configuration declares is resource-place.ts's to tell. A resource keeps its
 * id for ever: it is known again by what it was found by. Interfaces and subnets that are gone and carry
 * nothing are the exception, for a container host makes new ones all day long: of those no more than
 * `absentInterfacesMax` of each are remembered.
 */
import { fail, ok, randomText, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";
import type { Changes } from "./change.ts";
import { commit } from "./commit.ts";
import { matchesName } from "./name-pattern.ts";
import type { DeclaredResource, DiscoveredHost } from "./resource-found.ts";
import { type Candidate, candidatesOf, type FormerParent } from "./resource-place.ts";
import { createResourceTable, type ResourceTable } from "./resource-table.ts";

export const resourceTypes = ["vpc", "subnet", "interface", "gateway"] as const;
export type ResourceType = (typeof resourceTypes)[number];

/**
 * Whether a resource can carry a flow log, and what stands against it: its model, its edition, or the
 * edition of the active or of the standby device of a pair.
 */
export const flowLogSupports = ["full", "model", "edition", "activeDevice", "standbyDevice"] as const;
export type FlowLogSupport = (typeof flowLogSupports)[number];

export interface ResourceSettings {
  readonly type: ResourceType;
  readonly name: string;
  readonly description: string;
  /** Of an interface: the kernel's name for it. */
  readonly interfaceName?: string;
  /** Of a declared gateway: the host's interfaces that it is made of; absent means all. */
  readonly interfaceNames?: readonly string[];
  /** Networks, as `10.0.0.0/24`: an interface's own, and those of what is in a subnet or VPC. */
  readonly cidrs: readonly string[];
  /** `i-` and 18 characters: the host that it is on; "" of what is declared. */
  readonly instanceId: string;
  /** Serial number of the device; what is on a host has its gateway's. */
  readonly serial: string;
  readonly model: string;
  readonly flowLogSupport: FlowLogSupport;
}

export interface Resource extends ResourceSettings {
  /** `vpc-`, `vsw-`, `eni-` or `sag-` and 18 characters. */
  readonly id: string;
  /** RFC 9562 version 4, lower case: the same resource where a cloud's ids are UUIDs. */
  readonly uuid: string;
  readonly accountId: string;
  readonly regionId: string;
  /** Of an interface its subnet, of a subnet its VPC. */
  readonly parentId?: string;
  readonly createdMs: number;
  /** Whether the last look found it. An absent resource keeps its flow log but can be bound to none. */
  readonly present: boolean;
}

/** Where a resource is; "" for what it is in none of. */
export interface ResourcePlace {
  readonly vpcId: string;
  readonly subnetId: string;
  readonly instanceId: string;
}

export interface Resources {
  /**
   * Brings the list up to date with what exists now, and forgets the longest known of too many absent ones.
   * Answers every present resource. Faults: `ConfigInvalid` for a declared id that cannot be, `DiskFull`,
   * `Internal`.
   */
  sync(found: {
    readonly hosts: readonly DiscoveredHost[];
    readonly declared?: readonly DeclaredResource[];
  }): Result<readonly Resource[]>;
  /** By account and region, in the order in which they were first seen. */
  list(scope: { accountId: string; regionId: string }): readonly Resource[];
  all(): readonly Resource[];
  /** By id or UUID. Fault: `ResourceNotFound`, also where the resource is of another account or region. */
  get(scope: { accountId: string; regionId: string }, id: string): Result<Resource>;
  /** By id or UUID. */
  find(id: string): Resource | undefined;
  /** The interfaces that are there now in a VPC, a subnet or a gateway; of an interface itself, if it is. */
  interfacesOf(id: string): readonly Resource[];
  placeOf(id: string): ResourcePlace;
  /** Forgets the resources of an account whose rows are gone, which is committed. */
  forgetAccount(accountId: string): void;
}

interface Dependencies {
  readonly database: Database;
  readonly changes: Changes;
  readonly nowMs: () => number;
  /** Whose the host is, and what the configuration declares for nobody else. */
  readonly accountId: string;
  /** The region of this host and of declared resources that name none. */
  readonly regionId: string;
}

/**
 * Absent interfaces that are remembered, beside those that a flow log observes; and as many subnets, beside
 * those and the ones that remembered interfaces are in.
 */
export const absentInterfacesMax = 100;

interface Known {
  readonly byKey: Map<string, Resource>;
  readonly byId: Map<string, Resource>;
  readonly byUuid: Map<string, Resource>;
}

export function createResources(dependencies: Dependencies): Resources {
  const table = createResourceTable(dependencies.database);
  const byKey = table.load();
  const known: Known = { byKey, byId: new Map(), byUuid: new Map() };
  for (const [key, resource] of byKey) remember(known, key, resource);
  const find = (id: string): Resource | undefined => known.byId.get(id) ?? known.byUuid.get(id);
  return {
    sync: (found) => {
      const candidates = candidatesOf(found, dependencies.regionId, formerParentOf(known)).map((candidate) =>
        underItsAccount(candidate, dependencies.accountId),
      );
      return bringUpToDate(dependencies, table, known, candidates);
    },
    list: ({ accountId, regionId }) =>
      [...known.byId.values()].filter(
        (resource) => resource.accountId === accountId && resource.regionId === regionId,
      ),
    all: () => [...known.byId.values()],
    get: (scope, id) => {
      const resource = find(id);
      if (resource?.accountId === scope.accountId && resource.regionId === scope.regionId)
        return ok(resource);
      return fail("ResourceNotFound", `there is no resource ${id.slice(0, 80)}`, { value: id.slice(0, 80) });
    },
    find,
    interfacesOf: (id) => {
      const resource = find(id);
      return resource === undefined ? [] : [...known.byId.values()].filter(coverageOf(known, resource));
    },
    placeOf: (id) => placeOf(known, find(id)),
    forgetAccount: (accountId) => {
      const forgotten = [...byKey].filter(([, resource]) => resource.accountId === accountId);
      for (const [key] of forgotten) forget(known, key);
      for (const [, { id }] of forgotten) {
        dependencies.changes.announce({ subject: "resource", action: "removed", id });
      }
    },
  };
}

function remember({ byKey, byId, byUuid }: Known, key: string, resource: Resource): void {
  byKey.set(key, resource);
  byId.set(resource.id, resource);
  byUuid.set(resource.uuid, resource);
}

function forget({ byKey, byId, byUuid }: Known, key: string): void {
  const resource = byKey.get(key);
  if (resource === undefined) return;
  byKey.delete(key);
  byId.delete(resource.id);
  byUuid.delete(resource.uuid);
}

/** Which of the resources are interfaces that are there and in this one. */
function coverageOf({ byId }: Known, { id, type, instanceId, interfaceNames = ["*"] }: Resource) {
  const isInside = (device: Resource): boolean => {
    if (type === "interface") return device.id === id;
    if (type === "subnet") return device.parentId === id;
    if (type === "vpc") return byId.get(device.parentId ?? "")?.parentId === id;
    // A declared gateway is made of interfaces of this host, whichever that is.
    const isOfHost = instanceId === "" || device.instanceId === instanceId;
    return isOfHost && matchesName(interfaceNames, device.interfaceName ?? "");
  };
  return (device: Resource): boolean =>
    device.type === "interface" && device.present && device.flowLogSupport === "full" && isInside(device);
}

function placeOf({ byId }: Known, resource: Resource | undefined): ResourcePlace {
  const parent = byId.get(resource?.parentId ?? "");
  const line = [resource, parent, byId.get(parent?.parentId ?? "")];
  const idOf = (type: ResourceType): string => line.find((one) => one?.type === type)?.id ?? "";
  return { vpcId: idOf("vpc"), subnetId: idOf("subnet"), instanceId: resource?.instanceId ?? "" };
}

function formerParentOf({ byKey, byId }: Known): FormerParent {
  return (key) => {
    const parentId = byKey.get(key)?.parentId;
    const parent = byId.get(parentId ?? "");
    if (parent === undefined) return undefined;
    const [parentKey] = [...byKey].find(([, { id }]) => id === parent.id) ?? [];
    return parentKey === undefined ? undefined : { key: parentKey, cidrs: parent.cidrs };
  };
}

/**
 * What is given to another account is another resource there: the flow logs that it had stay behind, on one
 * that is gone. What is in a VPC is of the VPC's account, so that a parent is always of the same.
 */
function underItsAccount(candidate: Candidate, hostAccountId: string): Candidate {
  const { key, parentKey, accountId = hostAccountId } = candidate;
  if (accountId === hostAccountId) return candidate;
  const own = (plain: string): string => `account:${accountId}/${plain}`;
  return { ...candidate, key: own(key), ...(parentKey === undefined ? {} : { parentKey: own(parentKey) }) };
}

interface Saved {
  readonly key: string;
  readonly action: "created" | "modified" | "kept";
  readonly resource: Resource;
}

function bringUpToDate(
  dependencies: Dependencies,
  table: ResourceTable,
  known: Known,
  candidates: readonly Candidate[],
): Result<readonly Resource[]> {
  const { database, changes } = dependencies;
  const broken = idFault(candidates, known);
  if (broken !== null) return broken;
  const present = new Set(candidates.map(({ key }) => key));
  const vanished = [...known.byKey].filter(([key, resource]) => resource.present && !present.has(key));
  const committed = commit(database, () => {
    const saved = saveCandidates(candidates, known, dependencies, table);
    return { saved, forgotten: forgetAbsent(table, known, saved, present) };
  });
  if (!committed.ok) return committed;
  const { saved, forgotten } = committed.value;
  const gone = vanished.map(([key, resource]) => ({ key, resource: { ...resource, present: false } }));
  for (const { key, resource } of [...gone, ...saved]) remember(known, key, resource);
  for (const [key] of forgotten) forget(known, key);
  for (const { action, resource } of saved) {
    if (action !== "kept") changes.announce({ subject: "resource", action, id: resource.id });
  }
  for (const { resource } of gone) {
    if (known.byId.has(resource.id))
      changes.announce({ subject: "resource", action: "modified", id: resource.id });
  }
  for (const [, { id }] of forgotten) changes.announce({ subject: "resource", action: "removed", id });
  return ok([...known.byId.values()].filter((resource) => resource.present));
}

/** An id that is given names one resource, and the same for ever. */
function idFault(candidates: readonly Candidate[], { byKey, byId }: Known): Result<never> | null {
  const given = new Map<string, string>();
  for (const { key, id, settings } of candidates) {
    if (id === undefined) continue;
    const details = { field: "resources", value: id };
    const known = byKey.get(key);
    if (known !== undefined && known.id !== id) {
      const allowed = `${known.id}, the id that it has, or none`;
      return fail("ConfigInvalid", `the ${settings.type} ${settings.name} has another id already`, {
        ...details,
        allowed,
      });
    }
    if (given.has(id) || (known === undefined && byId.has(id))) {
      return fail("ConfigInvalid", `the id ${id} is another resource's`, details);
    }
    given.set(id, key);
  }
  return null;
}

const idPrefixes = { vpc: "vpc", subnet: "vsw", interface: "eni", gateway: "sag" } as const satisfies Record<
  ResourceType,
  string
>;

function saveCandidates(
  candidates: readonly Candidate[],
  { byKey }: Known,
  { accountId: hostAccountId, nowMs }: Dependencies,
  table: ResourceTable,
): Saved[] {
  const saved = new Map<string, Resource>();
  return candidates.map((candidate): Saved => {
    const { key, parentKey, hostKey, isHost = false, accountId = hostAccountId } = candidate;
    const { regionId, id, settings } = candidate;
    const before = byKey.get(key);
    const host = saved.get(hostKey ?? "");
    const parentId = saved.get(parentKey ?? "")?.id;
    const instanceId =
      host?.instanceId ?? nonEmpty(before?.instanceId) ?? (isHost ? `i-${randomText(18)}` : "");
    const serial = settings.serial ?? host?.serial ?? before?.serial ?? `sag${randomText(12)}`;
    const stored: ResourceSettings = { ...settings, serial, instanceId };
    const resource: Resource = {
      id: before?.id ?? id ?? `${idPrefixes[settings.type]}-${randomText(18)}`,
      uuid: before?.uuid ?? crypto.randomUUID(),
      accountId,
      regionId,
      createdMs: before?.createdMs ?? nowMs(),
      present: true,
      ...stored,
      ...(parentId === undefined ? {} : { parentId }),
    };
    saved.set(key, resource);
    const isKept = before !== undefined && sameResource(before, resource);
    if (!isKept) table.save(key, resource, stored);
    return { key, action: isKept ? "kept" : before === undefined ? "created" : "modified", resource };
  });
}

/** Deletes the rows of the longest known absent interfaces and subnets beyond the bound; observed ones do not count. */
function forgetAbsent(
  table: ResourceTable,
  { byKey }: Known,
  saved: readonly Saved[],
  present: ReadonlySet<string>,
): [key: string, resource: Resource][] {
  const absent = [...byKey].filter(([key]) => !present.has(key));
  const excess = (type: ResourceType, isHeld: (id: string) => boolean): [string, Resource][] => {
    const loose = absent.filter(([, resource]) => resource.type === type && !isHeld(resource.id));
    return loose.slice(0, Math.max(0, loose.length - absentInterfacesMax));
  };
  const all = absent.filter(([, { type }]) => type === "interface" || type === "subnet");
  if (all.length <= absentInterfacesMax) return [];
  const observed = table.observedIds();
  const interfaces = excess("interface", (id) => observed.has(id));
  const gone = new Set(interfaces.map(([, { id }]) => id));
  const remaining = [...absent.map(([, resource]) => resource), ...saved.map(({ resource }) => resource)];
  const parents = new Set(remaining.filter(({ id }) => !gone.has(id)).map(({ parentId }) => parentId));
  const subnets = excess("subnet", (id) => observed.has(id) || parents.has(id));
  // Children first: a row that is somebody's parent cannot go.
  const forgotten = [...interfaces, ...subnets];
  for (const [, { id }] of forgotten) table.remove(id);
  return forgotten;
}

function sameResource(one: Resource, other: Resource): boolean {
  const text = (resource: Resource): string =>
    JSON.stringify(Object.entries(resource).sort(([left], [right]) => (left < right ? -1 : 1)));
  return text(one) === text(other);
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
