/** Flow logs and their associations as rows. */
import type { Database } from "../database/mod.ts";
import {
  type FlowLog,
  type FlowLogSettings,
  type FlowLogTarget,
  type FlowLogTransition,
  type Tags,
  wholeTraffic,
} from "./flow-log.ts";
import type { Service } from "./service.ts";

export interface FlowLogTable {
  load(): { flowLogs: FlowLog[]; associations: { flowLogId: string; resourceId: string }[] };
  /** Answers the number that the row was given. */
  insert(flowLog: Omit<FlowLog, "number">): number;
  update(flowLog: FlowLog): void;
  remove(id: string): void;
  associate(flowLog: FlowLog, resourceId: string, createdMs: number): void;
  disassociate(flowLogId: string, resourceId: string): void;
}

export function createFlowLogTable(database: Database): FlowLogTable {
  const insert = database.prepare(
    `INSERT INTO flow_log (id, uuid, account_id, region_id, service, target_type, target_id, status, transition,
       settings, tags, as_sent, created_ms, updated_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = database.prepare(
    "UPDATE flow_log SET status = ?, transition = ?, settings = ?, tags = ?, updated_ms = ? WHERE id = ?",
  );
  const remove = database.prepare("DELETE FROM flow_log WHERE id = ?");
  const associate = database.prepare(
    "INSERT INTO association (flow_log_id, resource_id, service, created_ms) VALUES (?, ?, ?, ?)",
  );
  const disassociate = database.prepare("DELETE FROM association WHERE flow_log_id = ? AND resource_id = ?");
  return {
    load: () => ({
      flowLogs: database.prepare("SELECT * FROM flow_log ORDER BY number").all().map(flowLogOf),
      associations: database
        .prepare("SELECT flow_log_id, resource_id FROM association ORDER BY created_ms, rowid")
        .all()
        .map((row) => ({ flowLogId: String(row["flow_log_id"]), resourceId: String(row["resource_id"]) })),
    }),
    insert: (flowLog) =>
      Number(
        insert.run(
          flowLog.id,
          flowLog.uuid,
          flowLog.accountId,
          flowLog.regionId,
          flowLog.service,
          flowLog.target?.type ?? "",
          flowLog.target?.id ?? "",
          flowLog.status,
          flowLog.transition ?? null,
          settingsText(flowLog),
          JSON.stringify(flowLog.tags),
          JSON.stringify(flowLog.asSent),
          flowLog.createdMs,
          flowLog.updatedMs,
        ).lastInsertRowid,
      ),
    update: (flowLog) =>
      void update.run(
        flowLog.status,
        flowLog.transition ?? null,
        settingsText(flowLog),
        JSON.stringify(flowLog.tags),
        flowLog.updatedMs,
        flowLog.id,
      ),
    remove: (id) => void remove.run(id),
    associate: (flowLog, resourceId, createdMs) =>
      void associate.run(flowLog.id, resourceId, flowLog.service, createdMs),
    disassociate: (flowLogId, resourceId) => void disassociate.run(flowLogId, resourceId),
  };
}

function settingsText({
  name,
  description,
  resourceGroupId,
  policy,
  filter,
  outputs,
}: FlowLogSettings): string {
  return JSON.stringify({ name, description, resourceGroupId, policy, filter, outputs });
}

function flowLogOf(row: Record<string, unknown>): FlowLog {
  const settings = JSON.parse(String(row["settings"])) as FlowLogSettings;
  return {
    ...settings,
    // Rows of a Weir that knew no filter see everything.
    filter: settings.filter ?? wholeTraffic,
    id: String(row["id"]),
    uuid: String(row["uuid"]),
    number: Number(row["number"]),
    accountId: String(row["account_id"]),
    regionId: String(row["region_id"]),
    service: row["service"] as Service,
    ...(row["target_id"] === "" ? {} : { target: targetOf(row) }),
    status: row["status"] === "active" ? "active" : "inactive",
    ...(row["transition"] === null ? {} : { transition: row["transition"] as FlowLogTransition }),
    tags: JSON.parse(String(row["tags"])) as Tags,
    asSent: JSON.parse(String(row["as_sent"])) as FlowLog["asSent"],
    createdMs: Number(row["created_ms"]),
    updatedMs: Number(row["updated_ms"]),
  };
}

function targetOf(row: Record<string, unknown>): FlowLogTarget {
  return { type: row["target_type"] as FlowLogTarget["type"], id: String(row["target_id"]) };
}
