/** Huawei Cloud's own SDK, unmodified, for a Weir on a free port. */
import { createRequire } from "node:module";

import type * as Core from "@huaweicloud/huaweicloud-sdk-core";
import type * as Vpc from "@huaweicloud/huaweicloud-sdk-vpc";

import type { HuaweiAccess } from "./huawei-client.ts";

// The packages are CommonJS; required as such, they look the same to every loader.
const require = createRequire(import.meta.url);
export const core = require("@huaweicloud/huaweicloud-sdk-core") as typeof Core;
export const vpc = require("@huaweicloud/huaweicloud-sdk-vpc") as typeof Vpc;

/** A client of one project, or of a region whose project it looks up first. */
export function vpcClient(
  { endpoint, accessKeyId, accessKeySecret }: HuaweiAccess,
  where: { readonly projectId: string } | { readonly regionId: string },
): Vpc.VpcClient {
  const credential = new core.BasicCredentials().withAk(accessKeyId).withSk(accessKeySecret);
  if ("projectId" in where) {
    return vpc.VpcClient.newBuilder()
      .withCredential(credential.withProjectId(where.projectId))
      .withEndpoint(endpoint)
      .build();
  }
  return vpc.VpcClient.newBuilder()
    .withCredential(credential.withIamEndpoint(endpoint))
    .withRegion(new core.Region(where.regionId, [endpoint]))
    .build();
}
