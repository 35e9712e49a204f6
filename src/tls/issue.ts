/**
 * Makes certificates: keys on P-256, signatures by ECDSA with SHA-256, extensions as RFC 5280 wants them.
 *
 * The library is loaded when a certificate is made, which is once a year; a start does not pay for it.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { isIP } from "node:net";

import type * as X509 from "@peculiar/x509";

import type { ServerCertificate } from "./server-certificate.ts";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;
/** Clients whose clock is behind take it all the same. */
const backdatedMs = dayMs;

export interface Validity {
  readonly nowMs: number;
  readonly days: number;
}

async function loadLibrary(): Promise<typeof X509> {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}

export function newKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: algorithm.namedCurve });
  return privateKey.export({ type: "pkcs8", format: "pem" });
}

/** A certificate that signs others and itself. */
export async function issueAuthority(commonName: string, validity: Validity): Promise<ServerCertificate> {
  const x509 = await loadLibrary();
  const key = newKey();
  const keys = { privateKey: await signingKey(key), publicKey: await publicKeyOf(key) };
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [commonName] }, { O: ["Weir"] }],
    keys,
    signingAlgorithm: algorithm,
    ...validityOf(validity),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(keyCertSign | cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pemText(certificate.toString("pem")), key };
}

/** A server's certificate for DNS names (wildcards among them) and IP addresses, not beyond its authority's end. */
export async function issueServer(
  authority: ServerCertificate,
  { key, names }: { readonly key: string; readonly names: readonly string[] },
  validity: Validity,
): Promise<ServerCertificate> {
  const x509 = await loadLibrary();
  const issuer = new x509.X509Certificate(authority.certificate);
  const { notBefore, notAfter } = validityOf(validity);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [names[0] ?? "weir"] }, { O: ["Weir"] }],
    issuer: issuer.subjectName,
    publicKey: await publicKeyOf(key),
    signingKey: await signingKey(authority.key),
    signingAlgorithm: algorithm,
    notBefore,
    notAfter: notAfter < issuer.notAfter ? notAfter : issuer.notAfter,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value }) as const),
      ),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { certificate: pemText(certificate.toString("pem")), key };
}

function validityOf({ nowMs, days }: Validity): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - backdatedMs), notAfter: new Date(nowMs + days * dayMs) };
}

function signingKey(pem: string): Promise<CryptoKey> {
  return webKey(createPrivateKey(pem), "pkcs8", "sign");
}

function publicKeyOf(pem: string): Promise<CryptoKey> {
  return webKey(createPublicKey(pem), "spki", "verify");
}

function webKey(key: KeyObject, type: "pkcs8" | "spki", usage: "sign" | "verify"): Promise<CryptoKey> {
  const bytes = key.export({ type, format: "der" } as { type: "spki"; format: "der" });
  return crypto.subtle.importKey(type, new Uint8Array(bytes), algorithm, true, [usage]);
}

function pemText(pem: string): string {
  return pem.endsWith("\n") ? pem : `${pem}\n`;
}
