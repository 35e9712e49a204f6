/**
 * The identity service of Huawei Cloud and Open Telekom Cloud, as far as clients of the other services need
 * it: tokens, the catalog, and the names of projects, domains and users.
 */
import { fail, ok, type Fault, type Result } from "../../../base/mod.ts";
import { headerOf } from "../../head.ts";
import {
  type AccountCall,
  type ApigAnswer,
  type ApigRequest,
  type ApigRoute,
  type ApigService,
  queryValue,
} from "../apig/mod.ts";
import { catalogOf } from "./catalog.ts";
import { describeDomain, describeProject, describeUser, listLinks } from "./entity.ts";
import { createToken, type IamDeps, showToken } from "./token.ts";

export function createIamService(deps: IamDeps): ApigService {
  return { name: "iam", routes: routesOf(deps), refuse: ({ fault }) => refuse(fault) };
}

function routesOf(deps: IamDeps): ApigRoute[] {
  return [
    { name: "ListVersions", method: "GET", path: "", access: "open", operation: listVersions },
    { name: "ShowVersion", method: "GET", path: "v3", access: "open", operation: showVersion },
    {
      name: "CreateToken",
      method: "POST",
      path: "v3/auth/tokens",
      access: "open",
      operation: (call) => createToken(deps, call),
    },
    ...accountRoutes(deps),
  ];
}

function accountRoutes(deps: IamDeps): ApigRoute[] {
  const account = (
    name: string,
    path: string,
    operation: (deps: IamDeps, call: AccountCall) => Result<ApigAnswer>,
    method: "GET" | "HEAD" = "GET",
  ): ApigRoute => ({ name, method, path, access: "account", operation: (call) => operation(deps, call) });
  return [
    account("ShowToken", "v3/auth/tokens", showToken),
    account("CheckToken", "v3/auth/tokens", showToken, "HEAD"),
    account("ListCatalog", "v3/auth/catalog", listCatalog),
    account("ListAuthProjects", "v3/auth/projects", listProjects),
    account("ListAuthDomains", "v3/auth/domains", listDomains),
    account("ListProjects", "v3/projects", listProjects),
    account("ShowProject", "v3/projects/{id}", showProject),
    account("ListUsers", "v3/users", listUsers),
  ];
}

function listVersions({ request }: { readonly request: ApigRequest }): Result<ApigAnswer> {
  return ok({ status: 300, body: { versions: { values: [versionAt(request)] } } });
}

function showVersion({ request }: { readonly request: ApigRequest }): Result<ApigAnswer> {
  return ok({ status: 200, body: { version: versionAt(request) } });
}

function versionAt({ origin }: ApigRequest): object {
  const mediaTypes = [{ base: "application/json", type: "application/vnd.openstack.identity-v3+json" }];
  const links = [{ rel: "self", href: `${origin}/v3/` }];
  return {
    id: "v3.6",
    status: "stable",
    updated: "2016-04-04T00:00:00Z",
    links,
    "media-types": mediaTypes,
  };
}

/** Of the token's project; a signed request names its project in a header. */
function listCatalog({ projects }: IamDeps, { caller, request }: AccountCall): Result<ApigAnswer> {
  const { principal, token } = caller;
  const named = headerOf(request.head, "x-project-id");
  const projectId = token === undefined ? named : token.projectId;
  const isDomainWanted = token === undefined && headerOf(request.head, "x-domain-id") !== undefined;
  const found = projectId === undefined ? undefined : projects.find(principal.accountId, projectId);
  const project =
    found ?? (token === undefined && !isDomainWanted ? projects.list(principal.accountId)[0] : undefined);
  const { origin } = request;
  const links = { self: `${origin}/v3/auth/catalog` };
  return ok({ status: 200, body: { catalog: catalogOf(origin, project), links } });
}

function listProjects({ projects }: IamDeps, { caller, request }: AccountCall): Result<ApigAnswer> {
  const { accountId } = caller.principal;
  const domain = projects.domainOf(accountId);
  const name = queryValue(request, "name");
  const domainId = queryValue(request, "domain_id");
  const wanted = projects
    .list(accountId)
    .filter(({ regionId }) => name === undefined || regionId === name)
    .filter(() => domainId === undefined || domainId === domain.id)
    .filter(() => queryValue(request, "enabled") !== "false");
  const page = Number(queryValue(request, "page") ?? 1);
  const size = Number(queryValue(request, "per_page") ?? 5000);
  if (!isPage(page) || !isPage(size)) {
    return fail("InputInvalid", "page and per_page are whole numbers from 1 on", { field: "page" });
  }
  const shown = wanted.slice((page - 1) * size, page * size);
  const { origin } = request;
  return ok({
    status: 200,
    body: {
      projects: shown.map((project) => describeProject(project, domain, origin)),
      links: listLinks(`${origin}/v3/projects`),
    },
  });
}

function isPage(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1 && value <= 5000;
}

function showProject({ projects }: IamDeps, { caller, request, path }: AccountCall): Result<ApigAnswer> {
  const { accountId } = caller.principal;
  const project = projects.find(accountId, path("id"));
  if (project === undefined) {
    const id = path("id").slice(0, 80);
    return fail("ResourceNotFound", `Could not find project: ${id}.`, { field: "id", value: id });
  }
  const described = describeProject(project, projects.domainOf(accountId), request.origin);
  return ok({ status: 200, body: { project: described } });
}

function listDomains({ projects }: IamDeps, { caller, request }: AccountCall): Result<ApigAnswer> {
  const domain = projects.domainOf(caller.principal.accountId);
  const name = queryValue(request, "name");
  const { origin } = request;
  const domains = name === undefined || name === domain.name ? [describeDomain(domain, origin)] : [];
  return ok({ status: 200, body: { domains, links: listLinks(`${origin}/v3/auth/domains`) } });
}

/** The caller alone: clients look up themselves. */
function listUsers({ projects }: IamDeps, { caller, request }: AccountCall): Result<ApigAnswer> {
  const { principal } = caller;
  const domain = projects.domainOf(principal.accountId);
  const name = queryValue(request, "name");
  const { origin } = request;
  const user = describeUser(principal, domain, origin);
  const isWanted = name === undefined || ("name" in user && user.name === name);
  return ok({
    status: 200,
    body: { users: isWanted ? [user] : [], links: listLinks(`${origin}/v3/users`) },
  });
}

/** In Keystone's error form. */
function refuse({ code, message }: Fault): ApigAnswer {
  const [status, title] = statusOf(code);
  return { status, errorCode: `${status}`, body: { error: { code: status, message, title } } };
}

function statusOf(code: Fault["code"]): readonly [number, string] {
  if (/^(?:Input|Malformed)/u.test(code)) return [400, "Bad Request"];
  if (code === "ResourceNotFound") return [404, "Not Found"];
  if (/^(?:Signature|Timestamp|AccessKey|SecurityToken)/u.test(code)) return [401, "Unauthorized"];
  if (code === "AccessDenied") return [403, "Forbidden"];
  return [500, "Internal Server Error"];
}
