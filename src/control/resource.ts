/**
 * Resources: what flow logs observe. Hosts are found, further gateways are declared in the
 * configuration. A resource keeps its id for ever: it is known again by what it was found by. Interfaces
 * that are gone and carry nothing are the exception, for a container host makes new ones all day long: of
 * those no more than `absentInterfacesMax` are remembered.
 */
import { fail, ok, randomText, type Result } from "../base/mod.ts";
import type { Database } from "../database/mod.ts";
import type { Changes } from "./change.ts";
import { commit } from "./commit.ts";

/**
 * Whether a resource can carry a flow log, and what stands against it: its model, its edition, or the
 * edition of the active or of the standby device of a pair.
 */
export const flowLogSupports = ["full", "model", "edition", "activeDevice", "standbyDevice"] as const;
export type FlowLogSupport = (typeof flowLogSupports)[number];

interface ResourceSettings {
  readonly type: "gateway" | "interface";
  readonly name: string;
  readonly description: string;
  /** Of an interface: the kernel's name for it. */
  readonly interfaceName?: string;
  /** Of a declared gateway: the host's interfaces that it is made of; absent means all. */
  readonly interfaceNames?: readonly string[];
  /** Serial number of the device; an interface has its gateway's. */
  readonly serial: string;
  readonly model: string;
  readonly flowLogSupport: FlowLogSupport;
}

export interface Resource extends ResourceSettings {
  readonly id: string;
  readonly accountId: string;
  readonly regionId: string;
  /** Of an interface: its gateway. */
  readonly parentId?: string;
  readonly createdMs: number;
  /** Whether the last look found it. An absent resource keeps its flow log but can be bound to none. */
  readonly present: boolean;
}

export interface DiscoveredHost {
  /** The stable name of the host's agent. */
  readonly agentId: string;
  readonly name: string;
  readonly interfaces: readonly { readonly name: string; readonly description?: string }[];
}

/** A gateway from the configuration, known again by its name. */
export interface DeclaredGateway {
  readonly name: string;
  readonly regionId?: string;
  readonly description?: string;
  readonly serial?: string;
  readonly model?: string;
  readonly interfaceNames?: readonly string[];
  readonly flowLogSupport?: FlowLogSupport;
}

export interface Resources {
  /**
   * Brings the list up to date with what exists now, and forgets the longest known of too many absent
   * interfaces. Answers every present resource. Faults: `DiskFull`, `Internal`.
   */
  sync(found: {
    hosts: readonly DiscoveredHost[];
    declared?: readonly DeclaredGateway[];
  }): Result<readonly Resource[]>;
  /** By account and region, in the order in which they were first seen. */
  list(scope: { accountId: string; regionId: string }): readonly Resource[];
  all(): readonly Resource[];
  /** Fault: `ResourceNotFound`, also where the resource is of another account or region. */
  get(scope: { accountId: string; regionId: string }, id: string): Result<Resource>;
  find(id: string): Resource | undefined;
}

interface Dependencies {
  readonly database: Database;
  readonly changes: Changes;
  readonly nowMs: () => number;
  readonly accountId: string;
  /** The region of this host and of declared gateways that name none. */
  readonly regionId: string;
}

interface Candidate {
  readonly key: string;
  readonly parentKey?: string;
  readonly regionId: string;
  /** A serial of undefined keeps the one that the resource has, or gets a new one. */
  readonly settings: Omit<ResourceSettings, "serial"> & { readonly serial?: string | undefined };
}

/** Absent interfaces that are remembered, beside those that a flow log is bound to. */
export const absentInterfacesMax = 100;

const hostModel = "Weir host";
const declaredModel = "declared";

export function createResources(dependencies: Dependencies): Resources {
  const { database, changes } = dependencies;
  const byKey = loadResources(database);
  const byId = new Map([...byKey.values()].map((resource) => [resource.id, resource]));
  return {
    sync: (found) => {
      const candidates = [
        ...found.hosts.flatMap((host) => hostCandidates(host, dependencies.regionId)),
        ...(found.declared ?? []).map((gateway) => declaredCandidate(gateway, dependencies.regionId)),
      ];
      const present = new Set(candidates.map(({ key }) => key));
      const vanished = [...byKey].filter(([key, resource]) => resource.present && !present.has(key));
      const committed = commit(database, () => ({
        saved: saveCandidates(candidates, byKey, dependencies),
        forgotten: forgetAbsent(database, byKey, present),
      }));
      if (!committed.ok) return committed;
      const { saved, forgotten } = committed.value;
      const gone = vanished.map(([key, resource]) => ({ key, resource: { ...resource, present: false } }));
      for (const { key, resource } of [...gone, ...saved]) {
        byKey.set(key, resource);
        byId.set(resource.id, resource);
      }
      for (const { key, id } of forgotten) {
        byKey.delete(key);
        byId.delete(id);
      }
      for (const { action, resource } of saved) {
        if (action !== "kept") changes.announce({ subject: "resource", action, id: resource.id });
      }
      for (const { resource } of gone) {
        if (byId.has(resource.id))
          changes.announce({ subject: "resource", action: "modified", id: resource.id });
      }
      for (const { id } of forgotten) changes.announce({ subject: "resource", action: "removed", id });
      return ok([...byId.values()].filter((resource) => resource.present));
    },
    list: ({ accountId, regionId }) =>
      [...byId.values()].filter(
        (resource) => resource.accountId === accountId && resource.regionId === regionId,
      ),
    all: () => [...byId.values()],
    get: (scope, id) => {
      const resource = byId.get(id);
      if (resource?.accountId === scope.accountId && resource.regionId === scope.regionId)
        return ok(resource);
      return fail("ResourceNotFound", `there is no resource ${id.slice(0, 80)}`, { value: id.slice(0, 80) });
    },
    find: (id) => byId.get(id),
  };
}

function hostCandidates(host: DiscoveredHost, regionId: string): Candidate[] {
  const parentKey = `host:${host.agentId}`;
  const common = { model: hostModel, flowLogSupport: "full" } as const;
  const gateway = {
    type: "gateway",
    name: host.name,
    description: `the host ${host.name}`,
    ...common,
  } as const;
  return [
    { key: parentKey, regionId, settings: gateway },
    ...host.interfaces.map(({ name, description = "" }): Candidate => ({
      key: `${parentKey}/interface:${name}`,
      parentKey,
      regionId,
      settings: { type: "interface", name, description, interfaceName: name, ...common },
    })),
  ];
}

function declaredCandidate(gateway: DeclaredGateway, regionId: string): Candidate {
  return {
    key: `declared:${gateway.name}`,
    regionId: gateway.regionId ?? regionId,
    settings: {
      type: "gateway",
      name: gateway.name,
      description: gateway.description ?? "",
      serial: gateway.serial,
      model: gateway.model ?? declaredModel,
      flowLogSupport: gateway.flowLogSupport ?? "full",
      ...(gateway.interfaceNames === undefined ? {} : { interfaceNames: gateway.interfaceNames }),
    },
  };
}

interface Saved {
  readonly key: string;
  readonly action: "created" | "modified" | "kept";
  readonly resource: Resource;
}

function saveCandidates(
  candidates: readonly Candidate[],
  known: ReadonlyMap<string, Resource>,
  { database, accountId, nowMs }: Dependencies,
): Saved[] {
  const upsert = database.prepare(
    `INSERT INTO resource (id, discovery_key, account_id, region_id, parent_id, settings, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (discovery_key) DO UPDATE SET settings = excluded.settings, region_id = excluded.region_id`,
  );
  const saved = new Map<string, Resource>();
  return candidates.map(({ key, parentKey, regionId, settings }): Saved => {
    const before = known.get(key);
    const parent = parentKey === undefined ? undefined : saved.get(parentKey);
    const id = before?.id ?? `${settings.type === "gateway" ? "sag" : "eni"}-${randomText(18)}`;
    const serial = settings.serial ?? parent?.serial ?? before?.serial ?? `sag${randomText(12)}`;
    const stored: ResourceSettings = { ...settings, serial };
    const parentId = parent?.id;
    const createdMs = before?.createdMs ?? nowMs();
    const resource = {
      id,
      accountId,
      regionId,
      createdMs,
      present: true,
      ...stored,
      ...(parentId === undefined ? {} : { parentId }),
    };
    saved.set(key, resource);
    const changed =
      before === undefined || JSON.stringify(sorted(before)) !== JSON.stringify(sorted(resource));
    const text = JSON.stringify(stored);
    if (changed) upsert.run(id, key, accountId, regionId, parentId ?? null, text, createdMs);
    const action = before === undefined ? "created" : "modified";
    return { key, action: changed ? action : "kept", resource };
  });
}

interface Forgotten {
  readonly key: string;
  readonly id: string;
}

/** Deletes the rows of the longest known absent interfaces beyond the bound; bound ones do not count. */
function forgetAbsent(
  database: Database,
  known: ReadonlyMap<string, Resource>,
  present: ReadonlySet<string>,
): Forgotten[] {
  const absent = [...known].filter(([key, { type }]) => type === "interface" && !present.has(key));
  if (absent.length <= absentInterfacesMax) return [];
  const rows = database.prepare("SELECT DISTINCT resource_id FROM association").all();
  const bound = new Set(rows.map((row) => String(row["resource_id"])));
  const loose = absent.filter(([, { id }]) => !bound.has(id));
  const remove = database.prepare("DELETE FROM resource WHERE id = ?");
  return loose.slice(0, Math.max(0, loose.length - absentInterfacesMax)).map(([key, { id }]) => {
    remove.run(id);
    return { key, id };
  });
}

function sorted(resource: Resource): [string, unknown][] {
  return Object.entries(resource).sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Everything ever seen, as absent until a sync finds it. */
function loadResources(database: Database): Map<string, Resource> {
  const rows = database.prepare("SELECT * FROM resource ORDER BY created_ms, rowid").all();
  return new Map(
    rows.map((row) => [
      String(row["discovery_key"]),
      {
        ...(JSON.parse(String(row["settings"])) as ResourceSettings),
        id: String(row["id"]),
        accountId: String(row["account_id"]),
        regionId: String(row["region_id"]),
        ...(row["parent_id"] === null ? {} : { parentId: String(row["parent_id"]) }),
        createdMs: Number(row["created_ms"]),
        present: false,
      },
    ]),
  );
}
