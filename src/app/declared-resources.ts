/** The resources that the configuration declares, as the list of resources takes them. */
import type { DeclaredResource } from "../control/mod.ts";
import type { Configuration } from "./config/mod.ts";

export function declaredResources({ resources }: Configuration): DeclaredResource[] {
  return resources.map(({ region, interfaces, interface: interfaceName, ...declared }) => {
    const given = {
      ...declared,
      ...(region === undefined ? {} : { regionId: region }),
      ...(interfaces === undefined ? {} : { interfaceNames: interfaces }),
      ...(interfaceName === undefined ? {} : { interfaceName }),
    };
    // The schema holds each type to its own settings.
    return Object.fromEntries(
      Object.entries(given).filter(([, value]) => value !== undefined),
    ) as unknown as DeclaredResource;
  });
}
