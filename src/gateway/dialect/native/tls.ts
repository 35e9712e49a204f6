/** The certificate that https is served with, and the authority that clients are to trust. */
import type { FastifyInstance } from "fastify";

import { fail, unwrap } from "../../../base/mod.ts";
import type { NativeDependencies } from "./dependencies.ts";

export function tlsRoutes(server: FastifyInstance, { certificate }: NativeDependencies): void {
  server.get("/tls", async () => {
    const report = await (certificate?.() ??
      fail("Unsupported", "this Weir serves no https", {
        field: "tls.enabled",
        value: "false",
        remedy: "start it with --set tls.enabled=true",
      }));
    return unwrap(report);
  });
}
