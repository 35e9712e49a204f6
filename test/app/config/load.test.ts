import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, describe, expect, it } from "vitest";

import { type Configuration, loadConfiguration } from "../../../src/app/config/mod.ts";
import type { Fault } from "../../../src/base/mod.ts";

const directory = mkdtempSync(join(tmpdir(), "weir-config-"));
afterAll(() => rmSync(directory, { recursive: true }));

function writeFile(text: string): string {
  const path = join(directory, "weir.yaml");
  writeFileSync(path, text);
  return path;
}

interface Given {
  readonly file?: string;
  readonly environment?: Record<string, string>;
  readonly flags?: [string, string][];
}

function load(given: Given): ReturnType<typeof loadConfiguration> {
  return loadConfiguration({
    ...(given.file === undefined ? {} : { file: writeFile(given.file) }),
    environment: given.environment ?? {},
    flags: given.flags ?? [],
  });
}

function accepted(given: Given): Configuration {
  const result = load(given);
  if (!result.ok) throw new Error(result.fault.message);
  return result.value.configuration;
}

function refused(given: Given): Fault {
  const result = load(given);
  if (result.ok) throw new Error("was accepted");
  return result.fault;
}

/** What the person reads: the paths of the temporary file left out. */
function refusalText(given: Given): string {
  return refused(given).message.replaceAll(`${directory}/`, "");
}

describe("loadConfiguration()", () => {
  it("has a default for every setting", () => {
    const configuration = accepted({ flags: [["data", "/srv/weir"]] });
    expect(configuration).toMatchObject({
      data: "/srv/weir",
      listen: { host: "127.0.0.1", port: 8080 },
      log: { level: "info" },
      defaultRegion: "cn-shanghai",
      accessKey: {},
      capture: { method: "auto", interfaces: { include: ["*"], exclude: [] }, loopback: false },
      store: { deduplicate: true },
      resources: [],
    });
  });

  it("lets the environment win over the file, and flags over both", () => {
    const configuration = accepted({
      file: "listen: 127.0.0.1:1\nlog:\n  level: warn\nstore:\n  readers: 3\n  retentionDays: 7\n",
      environment: { WEIR_LISTEN: "127.0.0.1:2", WEIR_STORE_READERS: "4" },
      flags: [["listen", "[::1]:3"]],
    });
    expect(configuration.listen).toEqual({ host: "::1", port: 3 });
    expect(configuration.log.level).toBe("warn");
    expect(configuration.store).toMatchObject({ readers: 4, retentionDays: 7 });
  });

  it("reads lists, booleans and the access key from the environment", () => {
    const configuration = accepted({
      environment: {
        WEIR_CAPTURE_INTERFACES_EXCLUDE: "docker0, veth*",
        WEIR_CAPTURE_LOOPBACK: "true",
        WEIR_ACCESS_KEY_ID: "operator",
        WEIR_ACCESS_KEY_SECRET: "correct-horse",
        WEIR_SPOOL_BYTES_MAX: "",
      },
    });
    expect(configuration.capture.interfaces.exclude).toEqual(["docker0", "veth*"]);
    expect(configuration.capture.loopback).toBe(true);
    expect(configuration.accessKey).toEqual({ id: "operator", secret: "correct-horse" });
  });

  it("takes an empty file for no settings", () => {
    expect(accepted({ file: "# nothing yet\n" }).store.readers).toBe(2);
  });

  it("warns about an environment variable that is nearly a setting, and ignores the others", () => {
    const result = load({
      environment: { WEIR_CAPTURE_LOOPBAK: "true", WEIR_SERVICE_HOST: "10.0.0.1", WEIR_CONFIG: "x" },
    });
    expect(result.ok && result.value.warnings).toEqual([
      "the environment variable WEIR_CAPTURE_LOOPBAK is no setting; did you mean WEIR_CAPTURE_LOOPBACK?",
    ]);
  });

  it("keeps a secret out of every refusal", () => {
    const fault = refused({
      environment: { WEIR_ACCESS_KEY_ID: "operator", WEIR_ACCESS_KEY_SECRET: "s3cret" },
    });
    expect(JSON.stringify(fault)).not.toContain("s3cret");
    expect(fault.message).toBe(
      "environment variable WEIR_ACCESS_KEY_SECRET: accessKey.secret must be 8 to 128 printable ASCII characters without spaces",
    );
  });

  it("gives value, allowed and remedy of the first problem", () => {
    expect(refused({ file: "capture:\n  ringByte: 5\n" })).toMatchObject({
      code: "ConfigInvalid",
      field: "capture.ringByte",
      remedy: "did you mean capture.ringBytes?",
    });
    expect(refused({ flags: [["store.readers", "0"]] })).toMatchObject({
      code: "ConfigInvalid",
      field: "store.readers",
      value: "0",
      allowed: "an integer from 1 to 64",
    });
  });

  it("says which file it cannot read", () => {
    const result = loadConfiguration({ file: join(directory, "absent.yaml"), environment: {}, flags: [] });
    expect(!result.ok && result.fault.message).toBe(
      `cannot read the configuration file: ENOENT: no such file or directory, open '${directory}/absent.yaml'`,
    );
  });
});

describe("loadConfiguration() refuses, in these words,", () => {
  const table: [name: string, given: Given, text: string][] = [
    [
      "a misspelt setting",
      { file: "log:\n  level: info\ncapture:\n  ringByte: 4194304\n" },
      "weir.yaml line 4: there is no setting capture.ringByte; did you mean capture.ringBytes?",
    ],
    [
      "a misspelt section",
      { file: "flowlogs:\n  quota: 4\n" },
      "weir.yaml line 1: there is no setting flowlogs; did you mean flowLogs?",
    ],
    ["a setting like no other", { file: "kafka: true\n" }, "weir.yaml line 1: there is no setting kafka"],
    [
      "a number out of range",
      { file: "store:\n  readers: 65\n" },
      "weir.yaml line 2: store.readers (65) must be an integer from 1 to 64",
    ],
    [
      "a fraction",
      { file: "store:\n  readers: 1.5\n" },
      "weir.yaml line 2: store.readers (1.5) must be an integer from 1 to 64",
    ],
    [
      "text for a number",
      { environment: { WEIR_STORE_READERS: "many" } },
      'environment variable WEIR_STORE_READERS: store.readers ("many") must be an integer from 1 to 64',
    ],
    [
      "a word that is not in the list",
      { environment: { WEIR_LOG_LEVEL: "loud" } },
      'environment variable WEIR_LOG_LEVEL: log.level ("loud") must be one of debug, info, warn, error, silent',
    ],
    [
      "an address without port",
      { flags: [["listen", "localhost"]] },
      'flag for listen: listen ("localhost") is not HOST:PORT',
    ],
    [
      "a port that does not exist",
      { flags: [["listen", "127.0.0.1:65536"]] },
      'flag for listen: listen ("127.0.0.1:65536") is not HOST:PORT',
    ],
    [
      "a default region that is no region",
      { file: "regions:\n  sag: [eu-1, eu-2]\ndefaultRegion: eu-3\n" },
      'weir.yaml line 3: defaultRegion ("eu-3") is not one of regions.sag',
    ],
    [
      "several workers without the ring",
      { file: "capture:\n  method: tcpdump\n  workers: 2\n" },
      "weir.yaml line 3: capture.workers (2) needs the ring: tcpdump would show each of them every packet",
    ],
    [
      "an access key without secret",
      { environment: { WEIR_ACCESS_KEY_ID: "operator" } },
      "accessKey id and secret go together: one of them is missing",
    ],
    [
      "a list that is not one",
      { file: "regions:\n  sag: cn-shanghai\n" },
      'weir.yaml line 2: regions.sag ("cn-shanghai") must be a list; each a region id: lower-case letters, digits and hyphens',
    ],
    [
      "a section that is not a mapping",
      { file: "log: debug\n" },
      'weir.yaml line 1: log ("debug") must be a mapping of level',
    ],
    [
      "a declared gateway without name",
      { file: "resources:\n  - model: x\n" },
      "weir.yaml line 2: resources[0].name is missing",
    ],
    [
      "several problems, all of them",
      { file: "store:\n  reader: 1\nspool:\n  bytesMax: 0\n" },
      "weir.yaml line 4: spool.bytesMax (0) must be an integer from 1048576 to 1099511627776\n" +
        "weir.yaml line 2: there is no setting store.reader; did you mean store.readers?",
    ],
    ["a setting given twice", { file: "data: /a\ndata: /b\n" }, "weir.yaml line 2: Map keys must be unique"],
    [
      "a file that is not a mapping",
      { file: "- data\n" },
      "weir.yaml line 1: the file is not a mapping of settings",
    ],
    [
      "YAML that is none",
      { file: "data: [a\n" },
      "weir.yaml line 2: Flow sequence in block collection must be sufficiently indented and end with a ]",
    ],
    [
      "a flag for no setting",
      { flags: [["store.reader", "1"]] },
      "there is no setting store.reader; did you mean store.readers?",
    ],
  ];

  it.each(table)("%s", (_name, given, text) => expect(refusalText(given)).toBe(text));
});
