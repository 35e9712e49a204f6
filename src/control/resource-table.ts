/** Resources as rows, each under the key by which it is found again. */
import type { Database } from "../database/mod.ts";
import type { Resource, ResourceSettings } from "./resource.ts";

export interface ResourceTable {
  /** By key, in the order in which they were first seen; all as absent until a look finds them. */
  load(): Map<string, Resource>;
  save(key: string, resource: Resource, settings: ResourceSettings): void;
  remove(id: string): void;
  /** The ids of the resources that flow logs observe. */
  observedIds(): Set<string>;
}

export function createResourceTable(database: Database): ResourceTable {
  const upsert = database.prepare(
    `INSERT INTO resource (id, uuid, discovery_key, account_id, region_id, parent_id, settings, created_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (discovery_key) DO UPDATE SET
       settings = excluded.settings, region_id = excluded.region_id, parent_id = excluded.parent_id`,
  );
  const remove = database.prepare("DELETE FROM resource WHERE id = ?");
  const observed = database.prepare(
    "SELECT resource_id AS id FROM association UNION SELECT target_id FROM flow_log WHERE target_id <> ''",
  );
  return {
    load: () => {
      const rows = database.prepare("SELECT * FROM resource ORDER BY created_ms, rowid").all();
      return new Map(rows.map((row) => [String(row["discovery_key"]), resourceOf(row)]));
    },
    save: (key, { id, uuid, accountId, regionId, parentId, createdMs }, settings) =>
      void upsert.run(
        id,
        uuid,
        key,
        accountId,
        regionId,
        parentId ?? null,
        JSON.stringify(settings),
        createdMs,
      ),
    remove: (id) => void remove.run(id),
    observedIds: () => new Set(observed.all().map((row) => String(row["id"]))),
  };
}

function resourceOf(row: Readonly<Record<string, unknown>>): Resource {
  const settings = JSON.parse(String(row["settings"])) as ResourceSettings;
  return {
    ...settings,
    // Rows of a Weir that knew no networks and no hosts have neither.
    cidrs: settings.cidrs ?? [],
    instanceId: settings.instanceId ?? "",
    id: String(row["id"]),
    uuid: String(row["uuid"]),
    accountId: String(row["account_id"]),
    regionId: String(row["region_id"]),
    ...(typeof row["parent_id"] === "string" ? { parentId: row["parent_id"] } : {}),
    createdMs: Number(row["created_ms"]),
    present: false,
  };
}
