/**
 * Secrets at rest: AES-256-GCM under a key that lives in a file of its own, readable by its owner alone.
 * A copy of the database without that file gives no secret away. What a secret belongs to is bound as
 * associated data, so that a sealed secret moved to another row does not open.
 */
import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { closeSync, constants, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";

import { fail, ok, type Result, toFault } from "../base/mod.ts";

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

export interface SecretBox {
  seal(secret: string, owner: string): Uint8Array<ArrayBuffer>;
  /** Fault: `DataDirectoryUnusable` when the key file is not the one that sealed it, or a byte changed. */
  open(sealed: Uint8Array, owner: string): Result<string>;
}

/** Reads the key file, or makes one (mode 0400). Fault: `DataDirectoryUnusable`. */
export function openSecretBox(keyPath: string): Result<SecretBox> {
  try {
    const key = readKey(keyPath) ?? makeKey(keyPath);
    if (key.length !== keyBytes)
      return unusable(keyPath, `it holds ${key.length} bytes instead of ${keyBytes}`);
    return ok({
      seal: (secret, owner) => seal(key, secret, owner),
      open: (sealed, owner) => {
        try {
          return ok(open(key, sealed, owner));
        } catch {
          return unusable(keyPath, `it is not the key that sealed the secret of ${owner}`);
        }
      },
    });
  } catch (error) {
    return unusable(keyPath, toFault(error).message);
  }
}

function readKey(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

function makeKey(path: string): Buffer {
  const key = randomBytes(keyBytes);
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o400);
  try {
    writeSync(file, key);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return key;
}

function seal(key: Buffer, secret: string, owner: string): Uint8Array<ArrayBuffer> {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(owner));
  const text = Buffer.concat([cipher.update(secret, "utf8"), cipher.final()]);
  return new Uint8Array(Buffer.concat([nonce, cipher.getAuthTag(), text]));
}

function open(key: Buffer, sealed: Uint8Array, owner: string): string {
  const nonce = sealed.subarray(0, nonceBytes);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes })
    .setAAD(Buffer.from(owner))
    .setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  const text = sealed.subarray(nonceBytes + tagBytes);
  return Buffer.concat([decipher.update(text), decipher.final()]).toString("utf8");
}

function unusable(path: string, why: string): Result<never> {
  return fail("DataDirectoryUnusable", `the key file ${path} cannot be used: ${why}`, {
    value: path,
    remedy: "restore the key file that belongs to this data directory",
  });
}
