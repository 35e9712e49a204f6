/**
 * Which project a request is for. Clients dial `<project>.<endpoint>`; what the endpoint's own name is,
 * the server knows only from its settings, from names that cannot be a project's, or by guess.
 */
import type { RequestHead } from "../../dialect.ts";

export interface ProjectHost {
  /** The project that the request names; undefined at an endpoint's own name. */
  readonly project: string | undefined;
  /** All that precedes a known endpoint, without a region: a project's name may hold dots. */
  readonly dotted?: string | undefined;
  /** The region that the host names, as the cloud's own endpoints do. */
  readonly regionId: string | undefined;
  /** Whether the endpoint's name is known, so that what precedes it can only be a project. */
  readonly isCertain: boolean;
  /** Whether the request's target and its Host header name different projects. */
  readonly isContradictory?: boolean;
}

/** The cloud's own endpoints, met when a proxy or a hosts file sends them here: `<project>.<region>.log.aliyuncs.com`. */
const cloudDomains = ["log.aliyuncs.com", "sls.aliyuncs.com"];
const networkSuffix = /-(?:intranet|share|vpc|internal)$/u;
const ipv4Endpoint = /^(?:(.+)\.)?\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:\.(?:nip|sslip)\.io)?$/u;
const endpointItself: ProjectHost = { project: undefined, regionId: undefined, isCertain: true };

/**
 * Resolves in this order: the header `x-log-project`; the authority of an absolute-form target; the Host
 * header. A label that is not one of the regions names none. No signature covers the target's authority,
 * so one that names another project than the Host header does is a contradiction.
 */
export function resolveProject(
  head: RequestHead,
  { endpoints, regionIds }: { readonly endpoints: readonly string[]; readonly regionIds: readonly string[] },
): ProjectHost {
  const sent = parseHost(head.headers["host"]?.toString().toLowerCase() ?? "", endpoints);
  const target = parseHost(head.host, endpoints);
  const host = target.project === undefined ? sent : target;
  const regionId = regionIds.find((id) => id === host.regionId);
  const dotted = regionId === undefined ? host.dotted : withoutLastLabel(host.dotted);
  const named = head.headers["x-log-project"];
  if (typeof named === "string" && named !== "") return { project: named, regionId, isCertain: true };
  const isContradictory =
    sent.project !== undefined && (host.project !== sent.project || host.dotted !== sent.dotted);
  return { ...host, dotted, regionId, isContradictory };
}

function withoutLastLabel(labels: string | undefined): string | undefined {
  return labels?.replace(/\.[^.]*$/u, "");
}

/**
 * Takes a host apart: port, endpoint, and the labels before it. `endpoints` are the names, without port,
 * by which clients know this server.
 */
export function parseHost(host: string, endpoints: readonly string[]): ProjectHost {
  const name = host.replace(/:\d+$/u, "").replace(/\.$/u, "");
  if (name === "" || name.startsWith("[")) return endpointItself;
  const known = [...endpoints, "localhost"].toSorted((a, b) => b.length - a.length);
  for (const endpoint of known) {
    if (name === endpoint) return endpointItself;
    if (name.endsWith(`.${endpoint}`)) return fromLabels(name.slice(0, -endpoint.length - 1), false);
  }
  const cloud = cloudDomains.find((domain) => name.endsWith(`.${domain}`));
  if (cloud !== undefined) return fromLabels(name.slice(0, -cloud.length - 1), true);
  const address = ipv4Endpoint.exec(name);
  if (address !== null) return address[1] === undefined ? endpointItself : fromLabels(address[1], false);
  const [first, ...rest] = name.split(".");
  return rest.length === 0
    ? endpointItself
    : { project: first, regionId: undefined, isCertain: rest.length > 1 };
}

/** The labels before a known endpoint: `<project>`, `<project>.<region>`, or at the cloud's domains `<region>`. */
function fromLabels(labels: string, endsWithRegion: boolean): ProjectHost {
  const isRegionAlone = endsWithRegion && !labels.includes(".");
  const last = labels.split(".").at(-1)!;
  return {
    project: isRegionAlone ? undefined : labels.split(".")[0],
    dotted: isRegionAlone ? undefined : labels,
    regionId: isRegionAlone || last !== labels ? last.replace(networkSuffix, "") : undefined,
    isCertain: true,
  };
}
