/** Regions of the log services: of Alibaba's, and of the one that Huawei's log groups are in. */
import { ok, type Result } from "../../../base/mod.ts";
import { noRegion, type Regions } from "../../../control/mod.ts";

/** Fault: `RegionNotFound` where no log service has the region. */
export function checkLogRegion(regions: Regions, regionId: string): Result<string> {
  const isThere = ["logService", "huawei"].some((service) => regions.has(service, regionId));
  return isThere ? ok(regionId) : noRegion(regions, "logService", regionId);
}
