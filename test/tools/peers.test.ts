import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { peerPackages, requirePeer } from "../support/peers.ts";

let directory: string;
let list: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "weir-peers-"));
  list = join(directory, "missing");
  writeFileSync(list, "");
  // softflowd lives in sbin, which is looked at besides PATH, so that a made-up peer stands for a missing one.
  vi.stubEnv("PATH", directory);
  vi.stubEnv("WEIR_MISSING_PEERS_FILE", list);
  vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

describe("requirePeer()", () => {
  it("finds a program on PATH", () => {
    writeFileSync(join(directory, "tshark"), "", { mode: 0o755 });
    expect(requirePeer("tshark")).toBe(true);
  });

  it("names and records one that is missing, on a user's machine", () => {
    vi.stubEnv("CI", "");
    expect(requirePeer("tshark")).toBe(false);
    expect(readFileSync(list, "utf8")).toBe("tshark\ttshark is not installed (Debian package tshark)\n");
  });

  it("fails for one that is missing, under CI", () => {
    vi.stubEnv("CI", "true");
    expect(() => requirePeer("nfdump", "tshark")).toThrow(
      /^(?:nfdump|tshark) is not installed \(Debian package (?:nfdump|tshark)\)$/u,
    );
  });

  it("knows a Debian package for every peer", () => {
    expect(Object.values(peerPackages).every((name) => /^[a-z0-9][a-z0-9+.-]+$/u.test(name))).toBe(true);
  });
});
