/** Which operation a method and path ask for. */
import type { ApigRoute, ApigService } from "./service.ts";

export interface FoundRoute {
  readonly service: ApigService;
  readonly route: ApigRoute;
  readonly values: ReadonlyMap<string, string>;
}

/** `method` where there are routes of that path but none of the method, `path` where there is none at all. */
export function findRoute(
  services: readonly ApigService[],
  method: string,
  segments: readonly string[],
): FoundRoute | "method" | "path" {
  let isPath = false;
  for (const service of services) {
    for (const route of service.routes) {
      const values = pathValues(route.path, segments);
      if (values === null) continue;
      if (route.method === method) return { service, route, values };
      isPath = true;
    }
  }
  return isPath ? "method" : "path";
}

/** The values of the path's variables; null where the segments are not that path's. */
function pathValues(path: string, segments: readonly string[]): ReadonlyMap<string, string> | null {
  const parts = path === "" ? [] : path.split("/");
  if (parts.length !== segments.length) return null;
  const values = new Map<string, string>();
  for (const [index, part] of parts.entries()) {
    const segment = segments[index]!;
    const name = /^\{(\w+)\}$/u.exec(part)?.[1];
    if (name === undefined ? part !== segment : segment === "") return null;
    if (name !== undefined) values.set(name, segment);
  }
  return values;
}
