/** Log streams, which the older URIs call log topics: create, list, change, delete. */
import { z } from "zod";

import { fail, ok, type Result } from "../../../base/mod.ts";
import type { LogGroups, LogStream } from "../../../control/mod.ts";
import { type ApigAnswer, type ProjectCall, queryValue, readBody } from "../apig/mod.ts";
import { readTags, tagList } from "./tag.ts";

/** What the service shows, and takes, where a stream is kept as long as its group says. */
const retentionOfGroup = -1;

const newStream = z.object({
  log_stream_name: z.string(),
  ttl_in_days: z.number().exactOptional(),
  log_stream_name_alias: z.string().exactOptional(),
  tags: tagList.exactOptional(),
});

const newTopic = z.object({ log_topic_name: z.string() });
const newRetention = z.object({ ttl_in_days: z.number() });

export function createStream(groups: LogGroups, { project, request, path }: ProjectCall): Result<ApigAnswer> {
  const body = readBody(newStream, request);
  if (!body.ok) return body;
  const { log_stream_name: name, ttl_in_days: ttl, log_stream_name_alias: alias = "", tags } = body.value;
  const own = ttl === undefined || ttl === retentionOfGroup ? {} : { retentionDays: ttl };
  const input = { name, alias, tags: readTags(tags), ...own };
  const created = groups.createStream(project, path("log_group_id"), input);
  return created.ok ? ok({ status: 201, body: { log_stream_id: created.value.id } }) : created;
}

export function createTopic(groups: LogGroups, { project, request, path }: ProjectCall): Result<ApigAnswer> {
  const body = readBody(newTopic, request);
  if (!body.ok) return body;
  const created = groups.createStream(project, path("log_group_id"), { name: body.value.log_topic_name });
  return created.ok ? ok({ status: 201, body: { log_topic_id: created.value.id } }) : created;
}

export function listStreams(groups: LogGroups, { project, path }: ProjectCall): Result<ApigAnswer> {
  const streams = groups.listStreams(project, path("log_group_id"));
  return streams.ok ? ok({ status: 200, body: { log_streams: streams.value.map(describeStream) } }) : streams;
}

export function listTopics(groups: LogGroups, { project, path }: ProjectCall): Result<ApigAnswer> {
  const streams = groups.listStreams(project, path("log_group_id"));
  return streams.ok ? ok({ status: 200, body: { log_topics: streams.value.map(describeTopic) } }) : streams;
}

export function showTopic(groups: LogGroups, { project, path }: ProjectCall): Result<ApigAnswer> {
  const stream = groups.getStream(project, path("log_group_id"), path("log_stream_id"));
  if (!stream.ok) return stream;
  return ok({ status: 200, body: { ...describeTopic(stream.value), index_enabled: true } });
}

/** `GET /v2/{project_id}/log-streams`: of all groups, those whose names hold what is asked for. */
export function listAllStreams(groups: LogGroups, { project, request }: ProjectCall): Result<ApigAnswer> {
  const groupName = queryValue(request, "log_group_name") ?? "";
  const streamName = queryValue(request, "log_stream_name") ?? "";
  const offset = Number(queryValue(request, "offset") ?? 0);
  const limit = Number(queryValue(request, "limit") ?? 100);
  if (!isCount(offset) || !isCount(limit) || limit > 100) {
    return fail("InputInvalid", "offset or limit is not valid", { field: "limit", allowed: "0 to 100" });
  }
  const wanted = groups
    .list(project)
    .filter(({ name }) => name.includes(groupName))
    .flatMap(({ id }) => {
      const streams = groups.listStreams(project, id);
      return streams.ok ? streams.value : [];
    })
    .filter(({ name }) => name.includes(streamName));
  const shown = wanted.slice(offset, offset + limit);
  return ok({ status: 200, body: { log_streams: shown.map(describeStream) } });
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

export function updateRetention(
  groups: LogGroups,
  { project, request, path }: ProjectCall,
): Result<ApigAnswer> {
  const body = readBody(newRetention, request);
  if (!body.ok) return body;
  const { ttl_in_days: ttl } = body.value;
  const change = { retentionDays: ttl === retentionOfGroup ? null : ttl };
  const updated = groups.updateStream(project, path("log_group_id"), path("log_stream_id"), change);
  return updated.ok ? ok({ status: 200, body: describeStream(updated.value) }) : updated;
}

export function deleteStream(groups: LogGroups, { project, path }: ProjectCall): Result<ApigAnswer> {
  const removed = groups.removeStream(project, path("log_group_id"), path("log_stream_id"));
  return removed.ok ? ok({ status: 204 }) : removed;
}

function describeStream({ id, name, alias, retentionDays, tags, createdMs }: LogStream): object {
  return {
    creation_time: createdMs,
    log_stream_name: name,
    log_stream_id: id,
    filter_count: 0,
    tag: { ...tags },
    is_favorite: false,
    log_stream_name_alias: alias,
    ttl_in_days: retentionDays ?? retentionOfGroup,
    hot_storage_days: -1,
    hot_cold_separation: false,
    whether_log_storage: true,
    auth_web_tracking: false,
  };
}

function describeTopic({ id, name, createdMs }: LogStream): object {
  return { creation_time: createdMs, log_topic_name: name, log_topic_id: id };
}
