/** CreateProject, GetProject, ListProject, UpdateProject, DeleteProject, GetProjectPolicy, ListTagResources. */
import type { Result } from "../../../base/mod.ts";
import type { LogProject } from "../../../control/mod.ts";
import { answer, refuse, refuseFault, type SlsAnswer } from "./answer.ts";
import { projectOf, type SlsCall } from "./call.ts";
import { bodyParameters, integerParameter, textParameter } from "./request.ts";

const pageSizeDefault = 100;
const pageSizeMax = 500;

/** The body names the project: some clients send it to the endpoint itself, others to the project's host. */
export function createProject({ services, request, caller, host }: SlsCall): SlsAnswer {
  const body = bodyParameters(request);
  if (!body.ok) return body.answer;
  const name = textParameter(body.value, "projectName");
  if (!name.ok) return name.answer;
  if (name.value === undefined) return refuse(400, "ParameterInvalid", "projectName is missing.");
  const description = textParameter(body.value, "description");
  if (!description.ok) return description.answer;
  const resourceGroupId = textParameter(body.value, "resourceGroupId");
  if (!resourceGroupId.ok) return resourceGroupId.answer;
  const signed = services.regionIds.find((id) => id === caller.regionId);
  return empty(
    services.logProjects.createProject({
      accountId: caller.accountId,
      regionId: host.regionId ?? signed ?? services.regionId,
      project: name.value,
      description: description.value ?? "",
      resourceGroupId: resourceGroupId.value ?? "",
    }),
  );
}

/** `GET /` at a project's host is GetProject, at the endpoint itself ListProject. */
export function getOrListProjects(call: SlsCall): SlsAnswer {
  if (isProjectList(call)) return listProjects(call);
  const project = projectOf(call);
  return project.ok ? answer(projectBody(project.value)) : project.answer;
}

export function isProjectList(call: SlsCall): boolean {
  if (call.host.project === undefined) return true;
  if (projectOf(call).ok) return false;
  const isList = ["offset", "size", "projectName", "resourceGroupId"].some(
    (name) => call.query(name) !== undefined,
  );
  // At an endpoint that nobody configured, `weir.lan` may be the endpoint as well as a project of `lan`.
  return isList || !call.host.isCertain;
}

function listProjects({ services, query, caller, host }: SlsCall): SlsAnswer {
  const offset = integerParameter(query, "offset", { min: 0, max: Number.MAX_SAFE_INTEGER });
  if (!offset.ok) return offset.answer;
  const size = integerParameter(query, "size", { min: 0, max: pageSizeMax });
  if (!size.ok) return size.answer;
  const region = host.regionId === undefined ? {} : { regionId: host.regionId };
  const text = (name: string): string => {
    const value = query(name);
    return typeof value === "string" ? value : "";
  };
  const group = text("resourceGroupId");
  const all = services.logProjects
    .listProjects({ accountId: caller.accountId, ...region, kind: "sls" })
    .filter((project) => project.name.includes(text("projectName")))
    .filter((project) => project.description.includes(text("description")))
    .filter((project) => group === "" || project.resourceGroupId === group);
  const start = offset.value ?? 0;
  const page = all.slice(start, start + (size.value ?? pageSizeDefault));
  return answer({ count: page.length, total: all.length, projects: page.map(projectBody) });
}

export function updateProject(call: SlsCall): SlsAnswer {
  const project = projectOf(call);
  if (!project.ok) return project.answer;
  const body = bodyParameters(call.request);
  if (!body.ok) return body.answer;
  const description = textParameter(body.value, "description");
  if (!description.ok) return description.answer;
  const { accountId, regionId, name } = project.value;
  return empty(
    call.services.logProjects.updateProject(
      { accountId, regionId, project: name },
      { description: description.value ?? "" },
    ),
  );
}

export function deleteProject(call: SlsCall): SlsAnswer {
  const project = projectOf(call);
  if (!project.ok) return project.answer;
  const { accountId, regionId, name } = project.value;
  return empty(call.services.logProjects.deleteProject({ accountId, regionId, project: name }));
}

/** Projects have no policies of their own, which the service says by an empty body. */
export function getProjectPolicy(call: SlsCall): SlsAnswer {
  const project = projectOf(call);
  return project.ok ? answer() : project.answer;
}

/** Nothing has tags here; a project that is asked for has to exist all the same. */
export function listTagResources({ services, query, caller }: SlsCall): SlsAnswer {
  const resourceType = query("resourceType");
  if (typeof resourceType !== "string") return refuse(400, "ParameterInvalid", "resourceType is missing.");
  const ids = resourceIdsOf(query("resourceId"));
  if (ids === undefined) return refuse(400, "ParameterInvalid", "resourceId is not a list of names.");
  for (const project of resourceType.toUpperCase() === "PROJECT" ? ids : []) {
    const { accountId } = caller;
    const found = services.logProjects.locateProject({ accountId, project, regionIds: [services.regionId] });
    if (!found.ok) return refuseFault(found.fault);
  }
  return answer({ nextToken: "", tagResources: [] });
}

/** JSON in a query; absent, it is every resource. */
function resourceIdsOf(given: unknown): readonly string[] | undefined {
  if (typeof given !== "string") return [];
  try {
    const ids: unknown = JSON.parse(given);
    return Array.isArray(ids) && ids.every((id) => typeof id === "string") ? ids : undefined;
  } catch {
    return undefined;
  }
}

/** Times are texts: the Go SDK reads nothing else. */
function projectBody(project: LogProject): Record<string, unknown> {
  return {
    projectName: project.name,
    status: "Normal",
    owner: project.accountId,
    description: project.description,
    region: project.regionId,
    createTime: timeText(project.createdMs),
    lastModifyTime: timeText(project.updatedMs),
    resourceGroupId: project.resourceGroupId,
    dataRedundancyType: "LRS",
    recycleBinEnabled: false,
  };
}

/** `2020-11-18 16:55:57`, UTC. */
function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replace("T", " ");
}

function empty(result: Result<unknown>): SlsAnswer {
  return result.ok ? answer() : refuseFault(result.fault);
}
