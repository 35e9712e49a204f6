/** Flow logs and their associations as rows. */
import type { Database } from "../database/mod.ts";
import type { FlowLog, FlowLogSettings } from "./flow-log.ts";

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
    "INSERT INTO flow_log (id, account_id, region_id, service, status, settings, created_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const update = database.prepare(
    "UPDATE flow_log SET status = ?, settings = ?, updated_ms = ? WHERE id = ?",
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
    insert: (flowLog) => {
      const { id, accountId, regionId, service, status, createdMs, updatedMs } = flowLog;
      const settings = settingsText(flowLog);
      return Number(
        insert.run(id, accountId, regionId, service, status, settings, createdMs, updatedMs).lastInsertRowid,
      );
    },
    update: (flowLog) =>
      void update.run(flowLog.status, settingsText(flowLog), flowLog.updatedMs, flowLog.id),
    remove: (id) => void remove.run(id),
    associate: (flowLog, resourceId, createdMs) =>
      void associate.run(flowLog.id, resourceId, flowLog.service, createdMs),
    disassociate: (flowLogId, resourceId) => void disassociate.run(flowLogId, resourceId),
  };
}

function settingsText({ name, description, resourceGroupId, policy, outputs }: FlowLogSettings): string {
  return JSON.stringify({ name, description, resourceGroupId, policy, outputs });
}

function flowLogOf(row: Record<string, unknown>): FlowLog {
  return {
    id: String(row["id"]),
    number: Number(row["number"]),
    accountId: String(row["account_id"]),
    regionId: String(row["region_id"]),
    service: String(row["service"]),
    status: row["status"] === "active" ? "active" : "inactive",
    createdMs: Number(row["created_ms"]),
    updatedMs: Number(row["updated_ms"]),
    ...(JSON.parse(String(row["settings"])) as FlowLogSettings),
  };
}
