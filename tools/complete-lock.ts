/**
 * Completes package-lock.json with the platform packages that a registry may not serve.
 *
 * npm leaves an optional platform package out of the lock when the registry does not have it, and
 * `npm ci` then refuses that lock. An entry without a download address mends it: npm skips it on
 * every platform that does not match. Run after each `npm install`.
 */
import { readFileSync, writeFileSync } from "node:fs";

interface LockPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

interface Lock {
  readonly packages: Record<string, LockPackage>;
}

const platforms: readonly [RegExp, { os: string[]; cpu: string[] }][] = [
  [/linux-arm64/u, { os: ["linux"], cpu: ["arm64"] }],
  [/linux-x64/u, { os: ["linux"], cpu: ["x64"] }],
  [/darwin-arm64/u, { os: ["darwin"], cpu: ["arm64"] }],
  [/darwin-x64/u, { os: ["darwin"], cpu: ["x64"] }],
];

const lockPath = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(lockPath, "utf8")) as Lock;
const added: string[] = [];
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    const platform = platforms.find(([pattern]) => pattern.test(name));
    if (path in lock.packages || platform === undefined) continue;
    lock.packages[path] = { version, ...platform[1], optional: true };
    added.push(name);
  }
}
writeFileSync(lockPath, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(added.length === 0 ? "package-lock.json is complete\n" : `added ${added.join(", ")}\n`);
