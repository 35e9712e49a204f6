/** CreateLogStore, GetLogStore, ListLogStores, UpdateLogStore, DeleteLogStore, ListShards, and what is fixed of them. */
import type { Logstore, LogstoreSettings } from "../../../control/mod.ts";
import type { RecordField, RecordFormat } from "../../../query/mod.ts";
import { answer, type Parsed, parsed, refuse, refuseFault, refused, type SlsAnswer } from "./answer.ts";
import { logstoreOf, projectOf, type SlsCall } from "./call.ts";
import {
  bodyParameters,
  booleanParameter,
  integerParameter,
  type Parameters,
  textParameter,
} from "./request.ts";

const pageSizeMax = 500;
const shardCountMax = 100;
const maxSplitShardMax = 256;
const retentionDaysMax = 3650;
const infoInvalid = { errorCode: "LogStoreInfoInvalid" } as const;

export function createLogstore(call: SlsCall): SlsAnswer {
  const project = projectOf(call);
  if (!project.ok) return project.answer;
  const body = bodyParameters(call.request);
  if (!body.ok) return body.answer;
  const name = textParameter(body.value, "logstoreName");
  if (!name.ok) return name.answer;
  const settings = settingsOf(body.value);
  if (!settings.ok) return settings.answer;
  const { ttl, ...kept } = settings.value;
  const missing = [
    ["logstoreName", name.value],
    ["ttl", ttl],
    ["shardCount", kept.shardCount],
  ].find(([, value]) => value === undefined);
  if (missing !== undefined) return refuse(400, "LogStoreInfoInvalid", `${missing[0]} is missing.`);
  const { accountId, regionId } = project.value;
  const created = call.services.logProjects.createLogstore({
    accountId,
    regionId,
    project: project.value.name,
    logstore: name.value!,
    retentionDays: ttl!,
    settings: kept,
  });
  if (created.ok) return answer();
  const isInvalid = created.fault.code === "InputInvalid";
  return isInvalid ? refuse(400, "LogStoreInfoInvalid", created.fault.message) : refuseFault(created.fault);
}

export function getLogstore(call: SlsCall): SlsAnswer {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore.answer;
  const { name, retentionDays, settings, createdMs, updatedMs } = logstore.value;
  return answer({
    logstoreName: name,
    ttl: retentionDays,
    shardCount: settings.shardCount,
    enable_tracking: settings.webTracking,
    autoSplit: settings.autoSplit,
    maxSplitShard: settings.maxSplitShard,
    appendMeta: settings.appendMeta,
    telemetryType: settings.telemetryType,
    mode: settings.mode,
    createTime: Math.floor(createdMs / 1000),
    lastModifyTime: Math.floor(updatedMs / 1000),
  });
}

export function listLogstores(call: SlsCall): SlsAnswer {
  const project = projectOf(call);
  if (!project.ok) return project.answer;
  const { query, services } = call;
  const offset = integerParameter(query, "offset", { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (!offset.ok) return offset.answer;
  const size = integerParameter(query, "size", { min: 0, max: pageSizeMax });
  if (!size.ok) return size.answer;
  const { accountId, regionId, name } = project.value;
  const listed = services.logProjects.listLogstores({ accountId, regionId, project: name });
  if (!listed.ok) return refuseFault(listed.fault);
  const wanted = query("logstoreName");
  const telemetryType = query("telemetryType");
  const mode = query("mode");
  const names = listed.value
    .filter((each) => typeof wanted !== "string" || each.name.includes(wanted))
    .filter((each) => telemetryType === undefined || each.settings.telemetryType === telemetryType)
    .filter((each) => mode === undefined || each.settings.mode === mode)
    .map((each) => each.name);
  const start = offset.value ?? 0;
  const page = names.slice(start, start + (size.value ?? pageSizeMax));
  return answer({ count: page.length, total: names.length, logstores: page });
}

export function updateLogstore(call: SlsCall): SlsAnswer {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore.answer;
  const body = bodyParameters(call.request);
  if (!body.ok) return body.answer;
  const settings = settingsOf(body.value);
  if (!settings.ok) return settings.answer;
  const { ttl, shardCount, ...kept } = settings.value;
  if (shardCount !== undefined && shardCount !== logstore.value.settings.shardCount) {
    return refuse(400, "ParameterInvalid", "shardCount can not be changed by an update.");
  }
  const updated = call.services.logProjects.updateLogstore(keyOf(logstore.value), {
    ...(ttl === undefined ? {} : { retentionDays: ttl }),
    settings: kept,
  });
  return updated.ok ? answer() : refuseFault(updated.fault);
}

export function deleteLogstore(call: SlsCall): SlsAnswer {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore.answer;
  const deleted = call.services.logProjects.deleteLogstore(keyOf(logstore.value));
  return deleted.ok ? answer() : refuseFault(deleted.fault);
}

/** Nothing is charged for; clients that ask how read the service's default. */
export function getMeteringMode(call: SlsCall): SlsAnswer {
  const logstore = logstoreOf(call);
  return logstore.ok ? answer({ meteringMode: "ChargeByFunction" }) : logstore.answer;
}

/** One shard holds everything, whatever count the client once asked for. */
export function listShards(call: SlsCall): SlsAnswer {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore.answer;
  return answer([
    {
      shardID: 0,
      status: "readwrite",
      inclusiveBeginKey: "0".repeat(32),
      exclusiveEndKey: "f".repeat(32),
      createTime: Math.floor(logstore.value.createdMs / 1000),
    },
  ]);
}

/** Every field of a record is indexed; the answer describes that. */
export function getIndex(call: SlsCall): SlsAnswer {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore.answer;
  const { format } = call.services.logReader;
  const options = { token: Array.from(format.delimiters), caseSensitive: false, chn: false };
  return answer({
    index_mode: "v2",
    storage: "pg",
    ttl: logstore.value.retentionDays,
    lastModifyTime: Math.floor(logstore.value.createdMs / 1000),
    line: options,
    keys: indexKeys(format, options),
    max_text_len: 2048,
    log_reduce: false,
  });
}

export function createIndex(call: SlsCall): SlsAnswer {
  const logstore = logstoreOf(call);
  if (!logstore.ok) return logstore.answer;
  return refuse(
    400,
    "IndexAlreadyExist",
    "log store index is already created: every field of a flow record is indexed.",
  );
}

function indexKeys(format: RecordFormat, options: object): Record<string, object> {
  const key = ({ kind }: RecordField): object =>
    kind === "long"
      ? { type: "long", alias: "", doc_value: true }
      : { type: "text", alias: "", doc_value: true, ...options };
  return Object.fromEntries(format.fields.map((field) => [field.name, key(field)]));
}

function keyOf({ accountId, regionId, project, name }: Logstore) {
  return { accountId, regionId, project, logstore: name };
}

type SentSettings = Partial<LogstoreSettings> & { readonly ttl?: number };

function settingsOf(body: Parameters): Parsed<SentSettings> {
  const settings: Record<string, unknown> = {};
  const integers: [string, string, number, number][] = [
    ["ttl", "ttl", 1, retentionDaysMax],
    ["shardCount", "shardCount", 1, shardCountMax],
    // The Go SDK sends 0 where shards are not to be split.
    ["maxSplitShard", "maxSplitShard", 0, maxSplitShardMax],
  ];
  for (const [name, setting, min, max] of integers) {
    const value = integerParameter(body, name, { min, max, ...infoInvalid });
    if (!value.ok) return value;
    if (value.value !== undefined) settings[setting] = value.value;
  }
  const booleans = [
    ["enable_tracking", "webTracking"],
    ["autoSplit", "autoSplit"],
    ["appendMeta", "appendMeta"],
  ] as const;
  for (const [name, setting] of booleans) {
    const value = booleanParameter(body, name);
    if (!value.ok) return value;
    if (value.value !== undefined) settings[setting] = value.value;
  }
  for (const name of ["telemetryType", "mode"]) {
    const value = textParameter(body, name);
    if (!value.ok) return value;
    if (value.value !== undefined) settings[name] = value.value;
  }
  if (settings["mode"] !== undefined && settings["mode"] !== "standard" && settings["mode"] !== "query") {
    return refused(400, "LogStoreInfoInvalid", "mode is invalid: standard or query is expected.");
  }
  return parsed(settings);
}
