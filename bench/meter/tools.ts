/** The meters that are compared: how each is started, and what it says of its flows. */
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
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
  return [weir, softflowd, nfpcapd, pmacctd].filter((tool) => tool.version !== "");
}

const flowsMax = 8_000_000;

const weir: Tool = {
  name: "weir",
  version: `Node.js ${process.versions.node}`,
  command: ({ file, port, activeS, inactiveS }) => [
    process.execPath,
    "--disable-warning=ExperimentalWarning",
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
    `softflowd -r ${file} -v 9 -n 127.0.0.1:${port} -m ${flowsMax} -d -c none -p ${directory}/pid -t maxlife=${activeS}`.split(
      " ",
    ),
  flows: () => undefined,
};

const nfpcapd: Tool = {
  name: "nfpcapd",
  version: packageVersion("nfpcapd"),
  command: ({ file, activeS, inactiveS, directory }) =>
    `nfpcapd -r ${file} -w ${directory} -e ${activeS},${inactiveS}`.split(" "),
  flows: (output, errors) =>
    [...(output + errors).matchAll(/Flows: (\d+)/gu)].reduce((sum, [, count]) => sum + Number(count), 0),
};

const pmacctd: Tool = {
  name: "pmacctd",
  version: packageVersion("pmacctd"),
  command: ({ file, port, activeS, inactiveS, directory }) => {
    const settings = {
      daemonize: "false",
      pcap_savefile: file,
      plugins: "nfprobe",
      aggregate: "src_host, dst_host, src_port, dst_port, proto, tos",
      // Without these, packets are handed to the plugin one by one.
      plugin_pipe_size: 8 << 20,
      plugin_buffer_size: 65_536,
      nfprobe_receiver: `127.0.0.1:${port}`,
      nfprobe_version: 9,
      nfprobe_maxflows: flowsMax,
      nfprobe_timeouts: `maxlife=${activeS}:general=${inactiveS}:udp=${inactiveS}`,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}: ${value}\n`);
    writeFileSync(join(directory, "pmacctd.conf"), lines.join(""));
    return ["pmacctd", "-f", join(directory, "pmacctd.conf")];
  },
  flows: () => undefined,
};

function packageVersion(name: string): string {
  if (spawnSync("which", [name]).status !== 0) return "";
  const owners: Readonly<Record<string, string>> = { nfpcapd: "nfdump", pmacctd: "pmacct" };
  try {
    const query = ["-W", "-f", "${Version}", owners[name] ?? name];
    return execFileSync("dpkg-query", query, { encoding: "utf8" });
  } catch {
    return "installed";
  }
}
