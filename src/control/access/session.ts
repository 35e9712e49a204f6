/**
 * Sessions of roles: an access key that ends by itself, and the token that goes with it.
 *
 * Nothing is kept of them here: the token carries all of the session, sealed by the key of this data
 * directory, and is read back from each request that brings it. It holds over a restart, and until its end
 * or that of its role.
 */
import { fail, ok, randomText, type Result } from "../../base/mod.ts";
import type { SecretBox } from "../secret.ts";
import type { Role } from "./role.ts";

export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly securityToken: string;
  readonly expiresMs: number;
}

export interface SessionRequest {
  readonly role: Role;
  readonly name: string;
  readonly durationS: number;
  /** A policy document that narrows the role's rights. */
  readonly policy?: string;
}

/** What a token says. */
export interface SessionContent extends Omit<SessionCredentials, "securityToken"> {
  readonly roleId: string;
  readonly sessionName: string;
  readonly policy?: string;
}

export interface Sessions {
  begin(request: SessionRequest): SessionCredentials;
  /** Faults: `SecurityTokenMalformed`, `SecurityTokenExpired`. */
  open(securityToken: string): Result<SessionContent>;
}

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/** Bound to what is sealed, so that no other sealed thing passes for a token. */
const purpose = "security token";
const tokenLengthMax = 16_384;
const tokenPattern = /^[A-Za-z0-9+/]+={0,2}$/u;

export const sessionKeyPrefix = "STS.";

export function createSessions({ box, nowMs }: { box: SecretBox; nowMs: () => number }): Sessions {
  return {
    begin: ({ role, name, durationS, policy }) => {
      const content: SessionContent = {
        accessKeyId: `${sessionKeyPrefix}${randomText(25, alphanumeric)}`,
        accessKeySecret: randomText(44, alphanumeric),
        // Whole seconds, as the answer can say no finer.
        expiresMs: (Math.floor(nowMs() / 1000) + durationS) * 1000,
        roleId: role.id,
        sessionName: name,
        ...(policy === undefined ? {} : { policy }),
      };
      const { accessKeyId, accessKeySecret, expiresMs } = content;
      const securityToken = Buffer.from(box.seal(JSON.stringify(content), purpose)).toString("base64");
      return { accessKeyId, accessKeySecret, securityToken, expiresMs };
    },
    open: (securityToken) => {
      const isPossible = securityToken.length <= tokenLengthMax && tokenPattern.test(securityToken);
      const opened = isPossible ? box.open(Buffer.from(securityToken, "base64"), purpose) : malformed();
      if (!opened.ok) return malformed();
      const content = JSON.parse(opened.value) as SessionContent;
      return nowMs() < content.expiresMs ? ok(content) : expired(content.expiresMs);
    },
  };
}

function malformed(): Result<never> {
  return fail("SecurityTokenMalformed", "the security token is none that was given out here", {
    field: "SecurityToken",
  });
}

function expired(expiresMs: number): Result<never> {
  return fail("SecurityTokenExpired", "the security token has expired", {
    field: "SecurityToken",
    value: new Date(expiresMs).toISOString(),
    remedy: "assume the role anew",
  });
}
