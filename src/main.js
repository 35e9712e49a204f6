/**
 * Where the process starts: refuses a wrong Node.js, switches the compile cache on, hands over to the CLI.
 *
 * Nothing else is imported statically, and this one file is JavaScript: types are stripped and code is compiled
 * after the cache is on, which spares the stripper's own start, and an old Node.js can read the refusal. A
 * command loads only what it needs.
 */
import module from "node:module";
import { join } from "node:path";

const nodeMajorMin = 26;
/** A server may be killed rather than stopped, so that the cache is not left to the exit. */
const compileCacheFlushMs = 5000;

if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
  process.stderr.write(
    `weir: this is Node.js ${process.versions.node}; Weir needs ${nodeMajorMin}. Start it with ./weir, which brings its own.\n`,
  );
  process.exit(1);
}

const directory = compileCacheDirectory();
if (directory !== undefined) {
  module.enableCompileCache(directory);
  // Children take it from the environment.
  process.env["NODE_COMPILE_CACHE"] = directory;
  setTimeout(module.flushCompileCache, compileCacheFlushMs).unref();
}
const { runCli } = await import("./cli/mod.ts");
await runCli(process.argv.slice(2));

/**
 * Outside the checkout, which another user may own, and never in a directory that others can write to:
 * cached code is run. Root's is not under HOME, because sudo may leave HOME the user's.
 *
 * @returns {string | undefined}
 */
function compileCacheDirectory() {
  if (process.env["NODE_COMPILE_CACHE"] !== undefined) return undefined;
  if (process.getuid?.() === 0) return "/var/cache/weir/compile";
  const cacheHome = process.env["XDG_CACHE_HOME"];
  if (cacheHome !== undefined && cacheHome !== "") return join(cacheHome, "weir/compile");
  const home = process.env["HOME"];
  return home === undefined || home === "" ? undefined : join(home, ".cache/weir/compile");
}
