import { unwrap } from "../../src/base/mod.ts";
import type { Store } from "../../src/store/mod.ts";

const tiers = [
  { table: "flows_1m", widthS: 60, portCap: 32_768 },
  { table: "flows_5m", widthS: 300, portCap: 1024 },
  { table: "flows_1h", widthS: 3600, portCap: 1024 },
];

const keys = [
  "flow_log_id",
  "resource_id",
  "resource_serial",
  "account_id",
  "region_id",
  "agent_id",
  "service",
  "vpc_id",
  "subnet_id",
  "instance_id",
  "project_id",
  "ip_version",
  "protocol",
  "ip_class_of_service",
  "ingress_interface",
  "egress_interface",
  "flow_direction",
  "verdict",
  "sampling_interval",
  "log_status",
];

/** The tiers that do not have, key by key, the sums of the flow table's rows, or not of as many rows. */
export async function tiersThatDiffer(store: Store): Promise<string[]> {
  const differing: string[] = [];
  for (const { table, widthS, portCap } of tiers) {
    const kept = `SELECT logstore, received_day, toUnixTimestamp(time) AS span, source_port, destination_port,
        ${keys.join(", ")}, sum(records), sum(packets), sum(octets)
      FROM ${table} GROUP BY ALL HAVING sum(records) > 0`;
    const summed = `SELECT logstore, toUInt32(intDiv(received_ms, 86400000)) AS day,
        toUInt32(intDiv(toUnixTimestamp(time), ${widthS}) * ${widthS}) AS span,
        least(source_port, ${portCap}) AS source, least(destination_port, ${portCap}) AS destination,
        ${keys.join(", ")}, count(), sum(packets), sum(octets)
      FROM flows GROUP BY ALL`;
    const differences = `SELECT (SELECT count() FROM (${kept} EXCEPT ${summed})) +
        (SELECT count() FROM (${summed} EXCEPT ${kept})),
      (SELECT sum(records) FROM ${table}) = (SELECT count() FROM flows)`;
    const [row] = unwrap(await store.query(differences, {})).rows;
    if (row![0] !== "0" || row![1] !== 1) differing.push(table);
  }
  return differing;
}
