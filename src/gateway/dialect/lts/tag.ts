/** Tags of log groups and streams: lists of keys and values, kept as a map. */
import { z } from "zod";

import { fail, ok, type Result } from "../../../base/mod.ts";
import type { LogGroups, LogScope, LogStream } from "../../../control/mod.ts";
import { type ApigAnswer, type ProjectCall, readBody } from "../apig/mod.ts";

export const tagList = z.array(z.object({ key: z.string(), value: z.string().max(255).default("") })).max(20);

export type TagList = z.output<typeof tagList>;

export function readTags(tags: TagList = []): Record<string, string> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

const tagAction = z.object({ action: z.enum(["create", "delete"]), tags: tagList });

/** `POST /v1/{project_id}/groups/{resource_id}/tags/action`: adds tags or takes them away. */
export function changeGroupTags(groups: LogGroups, call: ProjectCall): Result<ApigAnswer> {
  const { project, path } = call;
  const group = groups.get(project, path("resource_id"));
  if (!group.ok) return group;
  const tags = changedTags(group.value.tags, call);
  if (!tags.ok) return tags;
  const updated = groups.update(project, group.value.id, { tags: tags.value });
  return updated.ok ? ok({ status: 200, body: {} }) : updated;
}

/** The same of `topics`, as the service calls streams there. */
export function changeStreamTags(groups: LogGroups, call: ProjectCall): Result<ApigAnswer> {
  const { project, path } = call;
  const stream = streamOf(groups, project, path("resource_id"));
  if (stream === undefined) {
    const value = path("resource_id").slice(0, 80);
    return fail("LogstoreNotFound", `there is no log stream ${value}`, { value });
  }
  const tags = changedTags(stream.tags, call);
  if (!tags.ok) return tags;
  const updated = groups.updateStream(project, stream.groupId, stream.id, { tags: tags.value });
  return updated.ok ? ok({ status: 200, body: {} }) : updated;
}

/** The stream of a request for its tags by its whole name, for the policies. */
export function taggedStream(groups: LogGroups, { project, path }: ProjectCall): string {
  const id = path("resource_id");
  return `group/${streamOf(groups, project, id)?.groupId ?? "*"}/stream/${id}`;
}

function streamOf(groups: LogGroups, scope: LogScope, streamId: string): LogStream | undefined {
  for (const { id } of groups.list(scope)) {
    const stream = groups.getStream(scope, id, streamId);
    if (stream.ok) return stream.value;
  }
  return undefined;
}

function changedTags(
  tags: Readonly<Record<string, string>>,
  { request }: ProjectCall,
): Result<Record<string, string>> {
  const body = readBody(tagAction, request);
  if (!body.ok) return body;
  const named = readTags(body.value.tags);
  if (body.value.action === "create") return ok({ ...tags, ...named });
  return ok(Object.fromEntries(Object.entries(tags).filter(([key]) => !(key in named))));
}
