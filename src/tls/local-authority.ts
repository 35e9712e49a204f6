/**
 * The local authority: a certificate of Weir's own that clients are told to trust, and the server's that it
 * signs. Both are made when the first client speaks TLS, or when somebody asks for them.
 */
import { X509Certificate } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { type Clock, fail, ok, type Result, toFault } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { issueAuthority, issueServer, newKey } from "./issue.ts";
import { checkCertificate, type ServerCertificate } from "./server-certificate.ts";

export interface LocalAuthorityConfig {
  /** Where certificates and keys are kept; made if need be. */
  readonly directory: string;
  /** What the authority is called, in the lists of those who trust it. */
  readonly commonName: string;
  /** DNS names and addresses that the server is known by now; a wildcard covers one label. */
  readonly names: () => readonly string[];
  /**
   * Domains of one label, such as `localhost`: many clients take no wildcard under them, so that hosts of
   * theirs get certificates of their own.
   */
  readonly narrowDomains: readonly string[];
}

export interface LocalAuthority {
  /** The server's certificate; another one for a host under a narrow domain. Faults: `DataDirectoryUnusable`, `DiskFull`. */
  certificateFor(host: string | undefined): Promise<Result<ServerCertificate>>;
  /** The authority's own, PEM. Faults: likewise. */
  authority(): Promise<Result<string>>;
}

const authorityDays = 3650;
/** What some clients take at most. */
const serverDays = 397;
/** A certificate is made anew when less than this is left of it. */
const renewalMs = 130 * 86_400_000;
const recheckMs = 60_000;
const retryMs = 5000;
const hostsMax = 256;
/** Signing takes some milliseconds, and anybody may ask: so many hosts that are new, in each time between checks. */
const newHostsMax = 120;
const hostPattern = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/u;

interface Signed {
  readonly authority: ServerCertificate;
  readonly server: ServerCertificate;
  /** Certificates of single hosts, with the server's key. */
  readonly hosts: Map<string, ServerCertificate>;
  /** Hosts that may yet be signed for until the next check. */
  newHostsLeft: number;
  readonly checkedMs: number;
}

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createLocalAuthority(config: LocalAuthorityConfig, deps: Deps): LocalAuthority {
  let signed: Signed | undefined;
  let refused: { readonly fault: Result<never>; readonly untilMs: number } | undefined;
  // One after another: two at once would each make a certificate, and one would be lost.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };
  const open = async (): Promise<Result<Signed>> => {
    const { clock, logger } = deps;
    const steadyMs = clock.monotonicMs();
    if (signed !== undefined && steadyMs - signed.checkedMs < recheckMs) return ok(signed);
    // A full disk is tried, and complained of, every few seconds, and not for each connection.
    if (refused !== undefined && steadyMs < refused.untilMs) return refused.fault;
    try {
      signed = await bringUpToDate(config, deps, signed);
      refused = undefined;
      return ok(signed);
    } catch (error) {
      logger.error({ error: toFault(error).message }, "no certificate could be made");
      if (signed !== undefined) {
        // What was good a minute ago is better than none.
        signed = { ...signed, checkedMs: steadyMs };
        return ok(signed);
      }
      refused = { fault: unusable(config.directory, error), untilMs: steadyMs + retryMs };
      return refused.fault;
    }
  };
  return {
    certificateFor: (host) =>
      inTurn(async () => {
        const opened = await open();
        if (!opened.ok) return opened;
        const name = host?.toLowerCase();
        return ok(
          isNarrow(config, name) ? await hostCertificate(opened.value, name, deps) : opened.value.server,
        );
      }),
    authority: () =>
      inTurn(async () => {
        const opened = await open();
        return opened.ok ? ok(opened.value.authority.certificate) : opened;
      }),
  };
}

/** Whether it is `<one label>.<narrow domain>`. */
function isNarrow({ narrowDomains }: LocalAuthorityConfig, host: string | undefined): host is string {
  const dot = host?.indexOf(".") ?? -1;
  if (host === undefined || dot < 0) return false;
  return narrowDomains.includes(host.slice(dot + 1)) && hostPattern.test(host.slice(0, dot));
}

/**
 * Kept for the hosts that were asked for last; a host that comes back is signed for anew. Where too many
 * are new, the certificate that all others get.
 */
async function hostCertificate(signed: Signed, host: string, { clock }: Deps): Promise<ServerCertificate> {
  const { authority, server, hosts } = signed;
  const known = hosts.get(host);
  if (known === undefined && signed.newHostsLeft-- <= 0) return server;
  const found =
    known ?? (await issueServer(authority, { key: server.key, names: [host] }, serverValidity(clock)));
  hosts.delete(host);
  hosts.set(host, found);
  const [oldest] = hosts.keys();
  if (hosts.size > hostsMax && oldest !== undefined) hosts.delete(oldest);
  return found;
}

async function bringUpToDate(
  { directory, commonName, names }: LocalAuthorityConfig,
  { clock, logger }: Deps,
  before: Signed | undefined,
): Promise<Signed> {
  const nowMs = clock.nowMs();
  const checkedMs = clock.monotonicMs();
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const found = read(directory, "ca");
  const authority =
    found !== undefined && !isEnding(found, nowMs)
      ? found
      : await issueAuthority(commonName, { nowMs, days: authorityDays });
  if (authority !== found) {
    write(directory, "ca", authority);
    logger.info({ directory }, "a local certificate authority was made");
  }
  const wanted = names();
  const kept = read(directory, "server");
  if (kept !== undefined && !isEnding(kept, nowMs) && isFor(kept, wanted) && isSignedBy(kept, authority)) {
    return before?.server.certificate === kept.certificate
      ? { ...before, newHostsLeft: newHostsMax, checkedMs }
      : { authority, server: kept, hosts: new Map(), newHostsLeft: newHostsMax, checkedMs };
  }
  const server = await issueServer(authority, { key: newKey(), names: wanted }, serverValidity(clock));
  write(directory, "server", server);
  logger.info({ names: wanted }, "a certificate for https was made");
  return { authority, server, hosts: new Map(), newHostsLeft: newHostsMax, checkedMs };
}

function serverValidity(clock: Clock): { nowMs: number; days: number } {
  return { nowMs: clock.nowMs(), days: serverDays };
}

/** A clock that is behind, as that of a machine that just started may be, ends nothing. */
function isEnding({ certificate }: ServerCertificate, nowMs: number): boolean {
  return new X509Certificate(certificate).validToDate.getTime() - nowMs < renewalMs;
}

/** Whether it names exactly these. */
function isFor({ certificate }: ServerCertificate, names: readonly string[]): boolean {
  const x509 = new X509Certificate(certificate);
  const count = x509.subjectAltName?.split(", ").length ?? 0;
  return (
    count === names.length &&
    names.every((name) =>
      name.startsWith("*.")
        ? x509.subjectAltName?.split(", ").includes(`DNS:${name}`)
        : (x509.checkHost(name) ?? x509.checkIP(name)) !== undefined,
    )
  );
}

function isSignedBy({ certificate }: ServerCertificate, authority: ServerCertificate): boolean {
  return new X509Certificate(certificate).verify(new X509Certificate(authority.certificate).publicKey);
}

/** Undefined for files that are not there, or that a kill left behind half replaced. */
function read(directory: string, name: string): ServerCertificate | undefined {
  try {
    const found = {
      certificate: readFileSync(join(directory, `${name}.pem`), "utf8"),
      key: readFileSync(join(directory, `${name}.key`), "utf8"),
    };
    return checkCertificate(found).ok ? found : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function write(directory: string, name: string, { certificate, key }: ServerCertificate): void {
  replace(join(directory, `${name}.key`), key, 0o600);
  replace(join(directory, `${name}.pem`), certificate, 0o644);
}

function replace(path: string, text: string, mode: number): void {
  writeFileSync(`${path}.new`, text, { mode, flush: true });
  renameSync(`${path}.new`, path);
}

function unusable(directory: string, error: unknown): Result<never> {
  const { message } = toFault(error);
  const isFull = error instanceof Error && "code" in error && error.code === "ENOSPC";
  return fail(isFull ? "DiskFull" : "DataDirectoryUnusable", `no certificate could be made: ${message}`, {
    value: directory,
    cause: error,
  });
}
