/** The user's certificate and key, read anew when their files change. */
import { readFileSync, statSync } from "node:fs";

import { type Clock, fail, ok, type Result, toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { checkCertificate, type ServerCertificate } from "./server-certificate.ts";

export interface CertificateFileConfig {
  readonly certificatePath: string;
  readonly keyPath: string;
}

export interface CertificateFile {
  /**
   * What the files hold. After a first success never a fault: files that are being replaced, or were
   * replaced by what is no certificate, leave the one before in use, which the log says. Fault:
   * `ConfigInvalid`.
   */
  current(): Result<ServerCertificate>;
  /** The same, however short ago the files were looked at; what cannot be used is said again. */
  reload(): Result<ServerCertificate>;
}

const recheckMs = 2000;

interface Loaded {
  readonly found: ServerCertificate;
  /** Of both files: which they were and when they changed. */
  readonly stamp: string;
}

export function createCertificateFile(
  { certificatePath, keyPath }: CertificateFileConfig,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): CertificateFile {
  let loaded: Loaded | undefined;
  let checkedMs = Number.NEGATIVE_INFINITY;
  let refusedStamp = "";
  const load = (): Result<Loaded> => {
    try {
      const stamp = `${stampOf(certificatePath)} ${stampOf(keyPath)}`;
      if (loaded?.stamp === stamp) return ok(loaded);
      const found = {
        certificate: readFileSync(certificatePath, "utf8"),
        key: readFileSync(keyPath, "utf8"),
      };
      const checked = checkCertificate(found);
      if (checked.ok) return ok({ found, stamp });
      return refuse(`${certificatePath} and ${keyPath}: ${checked.fault.message}`, stamp);
    } catch (error) {
      return refuse(`cannot read the certificate: ${toFault(error).message}`, toFault(error).message);
    }
  };
  const look = (): Result<ServerCertificate> => {
    checkedMs = clock.monotonicMs();
    const next = load();
    if (next.ok) {
      if (loaded !== undefined && next.value !== loaded)
        logger.info({ certificatePath }, "the certificate was read anew");
      loaded = next.value;
      return ok(loaded.found);
    }
    if (loaded === undefined) return next;
    // Once for each state of the files, not for each look at them.
    if (next.fault.value !== refusedStamp) {
      logger.error(
        { fault: next.fault.message },
        "the changed certificate cannot be used; the one before stays",
      );
      refusedStamp = next.fault.value ?? "";
    }
    return ok(loaded.found);
  };
  return {
    current: () =>
      loaded !== undefined && clock.monotonicMs() - checkedMs < recheckMs ? ok(loaded.found) : look(),
    reload: () => {
      refusedStamp = "";
      return look();
    },
  };
}

function stampOf(path: string): string {
  const { ino, size, mtimeMs } = statSync(path);
  return `${ino}:${size}:${mtimeMs}`;
}

function refuse(message: string, value: string): Result<never> {
  return fail("ConfigInvalid", message, {
    field: "tls.certificate",
    value,
    allowed: "a PEM file with the certificate and those between it and its authority; tls.key names its key",
  });
}
