/**
 * Tokens that stand for an access key for a day.
 *
 * A token names the key that it was asked for with and is sealed with that key's secret. So nothing is
 * kept: tokens outlive a restart, and are worth nothing once their key is disabled, removed or rotated.
 */
import { createHmac, timingSafeEqual } from "node:crypto";

import { z } from "zod";

import { fail, type FaultCode, ok, type Result } from "../../../base/mod.ts";
import type { Credentials, Principal } from "../../../control/mod.ts";

const tokenSchema = z.strictObject({
  accessKeyId: z.string(),
  /** How it was asked for: `password` or `token`. */
  methods: z.array(z.string()),
  issuedMs: z.number(),
  expiresMs: z.number(),
  /** The project that it is good for; absent, it is good for the account alone. */
  projectId: z.string().exactOptional(),
});

export type Token = z.output<typeof tokenSchema>;

export const tokenLifeMs = 24 * 3_600_000;

const tokenPattern = /^weir\.([\w-]{1,4096})\.([\w-]{43})$/u;

export function sealToken(token: Token, accessKeySecret: string): string {
  const payload = Buffer.from(JSON.stringify(token)).toString("base64url");
  return `weir.${payload}.${sealOf(payload, accessKeySecret).toString("base64url")}`;
}

/**
 * The token and whose it is, if it is whole and sealed by the secret of the key that it names. Faults, all
 * of the field `X-Auth-Token`: `SignatureMalformed`, `SignatureMismatch`, `TimestampSkewed` (expired), and
 * those of Credentials.
 */
export function openToken(
  text: string,
  nowMs: number,
  credentials: Credentials,
): Result<{ readonly token: Token; readonly principal: Principal }> {
  const parts = tokenPattern.exec(text);
  const token = parts === null ? undefined : readPayload(parts[1]!);
  if (parts === null || token === undefined) return refused("SignatureMalformed", "decrypt token fail");
  const key = credentials.find(token.accessKeyId);
  if (!key.ok) return refused(key.fault.code, "decrypt token fail");
  const { accessKeySecret, principal } = key.value;
  const seal = Buffer.from(parts[2]!, "base64url");
  const expected = sealOf(parts[1]!, accessKeySecret);
  if (seal.length !== expected.length || !timingSafeEqual(seal, expected)) {
    return refused("SignatureMismatch", "decrypt token fail");
  }
  if (nowMs < token.expiresMs) return ok({ token, principal });
  const expiresAt = new Date(token.expiresMs).toISOString();
  return refused("TimestampSkewed", `token expires, expires_at: ${expiresAt}`);
}

export const tokenHeader = "X-Auth-Token";

function refused(code: FaultCode, message: string): Result<never> {
  return fail(code, message, { field: tokenHeader });
}

function readPayload(payload: string): Token | undefined {
  try {
    const parsed = tokenSchema.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString("utf8")));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** Bound to its purpose, so that no other signature by the secret is ever a token's. */
function sealOf(payload: string, secret: string): Buffer {
  const key = createHmac("sha256", secret).update("X-Auth-Token").digest();
  return createHmac("sha256", key).update(payload).digest();
}
