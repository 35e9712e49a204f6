/** The certificates that the configuration asks for. */
import { ok, type Result, systemClock } from "../base/mod.ts";
import { type Certificates, createCertificates } from "../tls/mod.ts";
import type { System } from "./system.ts";

/**
 * Undefined where https is off. The user's own are read at once, so that a start does not wait for the first
 * client to find out; the local authority's are made when somebody needs them. Fault: `ConfigInvalid`.
 */
export async function openCertificates({
  configuration,
  data,
  logger,
}: Pick<System, "configuration" | "data" | "logger">): Promise<Result<Certificates | undefined>> {
  const { tls, listen, sls } = configuration;
  if (!tls.enabled) return ok(undefined);
  const { certificate: certificatePath, key: keyPath } = tls;
  const files =
    certificatePath === undefined || keyPath === undefined ? undefined : { certificatePath, keyPath };
  const certificates = createCertificates(
    {
      directory: data.file("tls"),
      listenHost: listen.host,
      names: tls.names,
      projectDomains: sls.baseDomains,
      ...(files === undefined ? {} : { files }),
    },
    { clock: systemClock, logger },
  );
  if (files === undefined) return ok(certificates);
  const read = await certificates.certificateFor(undefined);
  return read.ok ? ok(certificates) : read;
}
