/** Log groups: create, list, change, delete, in both generations of the service's URIs. */
import { z } from "zod";

import { ok, type Result } from "../../../base/mod.ts";
import type { LogGroup, LogGroups } from "../../../control/mod.ts";
import { type ApigAnswer, type ProjectCall, readBody } from "../apig/mod.ts";
import { readTags, tagList } from "./tag.ts";

/** What the service keeps besides the owner's tags. */
const systemTags = { _sys_enterprise_project_id: "0" };

const newGroup = z.object({
  log_group_name: z.string(),
  ttl_in_days: z.number(),
  log_group_name_alias: z.string().exactOptional(),
  tags: tagList.exactOptional(),
});

const oldGroup = newGroup.extend({ ttl_in_days: z.number().default(7) });

const groupChange = z.object({ ttl_in_days: z.number(), tags: tagList.exactOptional() });

export function createGroup(groups: LogGroups, call: ProjectCall): Result<ApigAnswer> {
  return createWith(groups, call, newGroup);
}

/** Of the older URIs, where the retention need not be said. */
export function createOldGroup(groups: LogGroups, call: ProjectCall): Result<ApigAnswer> {
  return createWith(groups, call, oldGroup);
}

function createWith(
  groups: LogGroups,
  { project, request }: ProjectCall,
  schema: z.ZodType<z.output<typeof newGroup>>,
): Result<ApigAnswer> {
  const body = readBody(schema, request);
  if (!body.ok) return body;
  const { log_group_name: name, ttl_in_days: retentionDays, log_group_name_alias: alias = "" } = body.value;
  const created = groups.create(project, { name, retentionDays, alias, tags: readTags(body.value.tags) });
  return created.ok ? ok({ status: 201, body: { log_group_id: created.value.id } }) : created;
}

export function listGroups(groups: LogGroups, { project }: ProjectCall): Result<ApigAnswer> {
  return ok({ status: 200, body: { log_groups: groups.list(project).map(describeGroup) } });
}

export function showOldGroup(groups: LogGroups, { project, path }: ProjectCall): Result<ApigAnswer> {
  const group = groups.get(project, path("log_group_id"));
  if (!group.ok) return group;
  const { tag: _tag, log_group_name_alias: _alias, ...shown } = describeGroup(group.value);
  return ok({ status: 200, body: shown });
}

export function updateGroup(groups: LogGroups, { project, request, path }: ProjectCall): Result<ApigAnswer> {
  const body = readBody(groupChange, request);
  if (!body.ok) return body;
  const { ttl_in_days: retentionDays, tags } = body.value;
  const change = { retentionDays, ...(tags === undefined ? {} : { tags: readTags(tags) }) };
  const updated = groups.update(project, path("log_group_id"), change);
  return updated.ok ? ok({ status: 200, body: describeGroup(updated.value) }) : updated;
}

export function deleteGroup(groups: LogGroups, { project, path }: ProjectCall): Result<ApigAnswer> {
  const removed = groups.remove(project, path("log_group_id"));
  return removed.ok ? ok({ status: 204 }) : removed;
}

function describeGroup({ id, name, alias, retentionDays, tags, createdMs }: LogGroup) {
  return {
    creation_time: createdMs,
    log_group_name: name,
    log_group_id: id,
    ttl_in_days: retentionDays,
    tag: { ...systemTags, ...tags },
    log_group_name_alias: alias,
  };
}
