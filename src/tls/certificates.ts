/** The certificates that https is served with, wherever they are from. */
import { X509Certificate } from "node:crypto";
import { hostname, networkInterfaces } from "node:os";
import { isIP } from "node:net";

import { type Clock, formatAddress, ok, parseAddress, type Result } from "../base/mod.ts";
import type { Logger } from "../observe/mod.ts";
import { createCertificateFile } from "./certificate-file.ts";
import { createLocalAuthority, type LocalAuthority } from "./local-authority.ts";
import type { ServerCertificate } from "./server-certificate.ts";

export interface TlsConfig {
  /** Where the local authority keeps what it makes. */
  readonly directory: string;
  /** The address that is listened on: for a wildcard address every one that the host has is a name. */
  readonly listenHost: string;
  /** Names and addresses that clients know the server by, besides its own. */
  readonly names: readonly string[];
  /** Domains whose hosts are log projects. */
  readonly projectDomains: readonly string[];
  /** The user's own, in place of the local authority's. */
  readonly files?: { readonly certificatePath: string; readonly keyPath: string };
}

/** What is to be known of the certificate in use. */
export interface CertificateReport {
  readonly source: "files" | "local authority";
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validFrom: string;
  readonly validTo: string;
  /** SHA-256 of the certificate, hexadecimal with colons. */
  readonly fingerprint: string;
  /** PEM. */
  readonly certificate: string;
  /** The local authority's own certificate, which clients are to trust. */
  readonly authority?: {
    readonly certificate: string;
    readonly fingerprint: string;
    readonly validTo: string;
  };
}

export interface Certificates {
  /**
   * The certificate to show to a client that asks for `host`; undefined where it names none, as one that
   * dials an address does. The same object as long as it is the same certificate. Faults: `ConfigInvalid`
   * (the user's files), `DataDirectoryUnusable`, `DiskFull`.
   */
  certificateFor(host: string | undefined): Promise<Result<ServerCertificate>>;
  /** Makes the certificates if there are none yet. Faults: likewise. */
  describe(): Promise<Result<CertificateReport>>;
  /** Looks at the user's files now; of the local authority there is nothing to read anew. Faults: likewise. */
  reload(): Result<void>;
}

interface Deps {
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createCertificates(config: TlsConfig, deps: Deps): Certificates {
  if (config.files !== undefined) {
    const file = createCertificateFile(config.files, deps);
    return {
      certificateFor: async () => file.current(),
      describe: async () => {
        const found = file.current();
        return found.ok ? ok({ source: "files", ...report(found.value.certificate) }) : found;
      },
      reload: () => {
        const found = file.reload();
        return found.ok ? ok(undefined) : found;
      },
    };
  }
  const authority = createLocalAuthority(
    {
      directory: config.directory,
      commonName: `Weir CA of ${hostname()}`.slice(0, 64),
      names: () => namesOf(config),
      narrowDomains: config.projectDomains.filter((domain) => !domain.includes(".")),
    },
    deps,
  );
  return {
    certificateFor: (host) => authority.certificateFor(host),
    describe: () => describeLocal(authority),
    reload: () => ok(undefined),
  };
}

async function describeLocal(local: LocalAuthority): Promise<Result<CertificateReport>> {
  const server = await local.certificateFor(undefined);
  if (!server.ok) return server;
  const authority = await local.authority();
  if (!authority.ok) return authority;
  const { certificate, fingerprint, validTo } = report(authority.value);
  return ok({
    source: "local authority",
    ...report(server.value.certificate),
    authority: { certificate, fingerprint, validTo },
  });
}

function report(certificate: string): Omit<CertificateReport, "source"> {
  const { subject, issuer, subjectAltName, validFromDate, validToDate, fingerprint256 } = new X509Certificate(
    certificate,
  );
  return {
    subject: oneLine(subject),
    issuer: oneLine(issuer),
    names: (subjectAltName ?? "").split(", ").map(nameText),
    validFrom: validFromDate.toISOString(),
    validTo: validToDate.toISOString(),
    fingerprint: fingerprint256,
    certificate,
  };
}

/** Addresses as they are usually written: Node.js shows all eight groups of an IPv6 one. */
function nameText(entry: string): string {
  const name = entry.replace(/^(?:DNS|IP Address):/u, "");
  const address = parseAddress(name);
  return address.ok ? formatAddress(address.value) : name;
}

function oneLine(name: string): string {
  return name.split("\n").join(", ");
}

const wildcardAddresses: readonly string[] = ["0.0.0.0", "::"];

/** Every name and address that this server answers by. */
function namesOf({ listenHost, names, projectDomains }: TlsConfig): readonly string[] {
  const addresses = wildcardAddresses.includes(listenHost) ? hostAddresses() : [listenHost];
  const all = [
    "localhost",
    hostname(),
    ...projectDomains.flatMap((domain) => [domain, `*.${domain}`]),
    ...names,
    "127.0.0.1",
    "::1",
    ...addresses,
  ];
  return [...new Set(all.map((name) => name.toLowerCase()).filter(isCertifiable))];
}

function hostAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    // A link-local address is one of an interface, which a certificate cannot name.
    addresses.map(({ address }) => address).filter((address) => !address.startsWith("fe80:")),
  );
}

/** Host names may be what DNS does not know; a certificate is for what clients check. */
function isCertifiable(name: string): boolean {
  const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
  return (
    isIP(name) !== 0 ||
    (name.length <= 253 && new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`, "u").test(name))
  );
}
