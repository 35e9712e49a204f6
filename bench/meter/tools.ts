/** The meters that are compared: how each is started, and what it says of its flows. */
import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

export interface RunInput {
  readonly file: string;
  readonly port: number;
  readonly activeS: number;
  readonly inactiveS: number;
  /** An empty directory for the tool's own files. */
  readonly directory: string;
}

export interface Tool {
  readonly name: string;
  readonly version: string;
  command(input: RunInput): string[];
  /** Flow records as the tool tells them on its standard output and standard error. */
  flows(output: string, errors: string): number | undefined;
}

const here = import.meta.dirname;

/** The tools that are installed. */
export function installedTools(): Tool[] {
  return [weir, softflowd, nfpcapd].filter((tool) => tool.version !== "");
}

const weir: Tool = {
  name: "weir",
  version: `Node.js ${process.versions.node}`,
  command: ({ file, port, activeS, inactiveS }) => [
    process.execPath,
    join(here, "weir.ts"),
    file,
    `${port}`,
    `${activeS}`,
    `${inactiveS}`,
  ],
  flows: (output) => (JSON.parse(output) as { flows: number }).flows,
};

const softflowd: Tool = {
  name: "softflowd",
  version: packageVersion("softflowd"),
  // Without `-c none` it waits for ever on its control socket; reading a file, it does not look at timeouts.
  command: ({ file, port, activeS, directory }) =>
    `softflowd -r ${file} -v 9 -n 127.0.0.1:${port} -m 3000000 -d -c none -p ${directory}/pid -t maxlife=${activeS}`.split(
      " ",
    ),
  flows: () => undefined,
};

const nfpcapd: Tool = {
  name: "nfpcapd",
  version: packageVersion("nfdump"),
  command: ({ file, activeS, inactiveS, directory }) =>
    `nfpcapd -r ${file} -w ${directory} -e ${activeS},${inactiveS}`.split(" "),
  flows: (output, errors) =>
    [...(output + errors).matchAll(/Flows: (\d+)/gu)].reduce((sum, [, count]) => sum + Number(count), 0),
};

function packageVersion(name: string): string {
  if (spawnSync("which", [name === "nfdump" ? "nfpcapd" : name]).status !== 0) return "";
  try {
    return execFileSync("dpkg-query", ["-W", "-f", "${Version}", name], { encoding: "utf8" });
  } catch {
    return "installed";
  }
}
