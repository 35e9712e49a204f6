/** What a caller must be allowed for each operation, in the words of the service's own policies. */
import type { AccessRequest } from "../../../control/mod.ts";
import { accessDeniedDetail } from "../access-denied.ts";
import type { Authorizer } from "../../auth/mod.ts";
import type { SlsAnswer } from "./answer.ts";
import { projectOf, type SlsCall } from "./call.ts";
import { isProjectList } from "./project.ts";
import { bodyParameters } from "./request.ts";

/** The action and the ARN that a call is about. */
export type Permission = (call: SlsCall) => { readonly action: string; readonly resource: string };

/** About the project that the host names; `below` is what it is about in there. */
export function onProject(action: string, below = ""): Permission {
  return (call) => ({ action, resource: `${arnOfProject(call)}${below}` });
}

/** About the logstore that the path names. */
export function onLogstore(action: string): Permission {
  return (call) => onProject(action, `/logstore/${call.request.segments[1] ?? ""}`)(call);
}

/** About projects whatever their names. */
export function onEveryProject(action: string): Permission {
  return (call) => ({ action, resource: arn(call, "*") });
}

/** About the project that the body names, which need not exist. */
export const onNewProject: Permission = (call) => {
  const body = bodyParameters(call.request);
  const name = body.ok ? body.value("projectName") : undefined;
  return { action: "log:CreateProject", resource: arn(call, typeof name === "string" ? name : "") };
};

/** The same request reads one project or lists them all, depending on the host. */
export const onProjectOrAll: Permission = (call) =>
  isProjectList(call) ? onEveryProject("log:ListProject")(call) : onProject("log:GetProject")(call);

/** The answer to a caller who may not; undefined for one who may. */
export function refusalOf(
  permission: Permission,
  call: SlsCall,
  { authorizer, conditions }: { authorizer: Authorizer; conditions: AccessRequest["conditions"] },
): SlsAnswer | undefined {
  const { action, resource } = permission(call);
  const allowed = authorizer.authorize(call.caller.principal, { action, resources: [resource], conditions });
  if (allowed.ok) return undefined;
  const errorCode = "Unauthorized";
  const errorMessage = `denied by sts or ram, action: ${action}, resource: ${resource}`;
  const detail = accessDeniedDetail(allowed.fault);
  return {
    status: 401,
    errorCode,
    body: { errorCode, errorMessage, ...(detail === undefined ? {} : { accessDeniedDetail: detail }) },
  };
}

/** A project that is not there is in the region where it would be looked for first. */
function arnOfProject(call: SlsCall): string {
  const project = projectOf(call);
  if (!project.ok) return arn(call, call.host.project ?? "");
  const { accountId, regionId, name } = project.value;
  return `acs:log:${regionId}:${accountId}:project/${name}`;
}

function arn({ services, caller, host }: SlsCall, project: string): string {
  const signed = services.regionIds.find((id) => id === caller.regionId);
  const regionId = host.regionId ?? signed ?? services.regionId;
  return `acs:log:${regionId}:${caller.principal.accountId}:project/${project}`;
}
