/** `weir firewall` on a firewall that has rules of its own already. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { canMakeNamespaces, createNamespace, type Namespace } from "../support/netns.ts";
import { requirePeer } from "../support/peers.ts";

const weir = fileURLToPath(new URL("../../weir", import.meta.url));
const runnable = canMakeNamespaces() && requirePeer("nft", "setpriv");

describe.skipIf(!runnable)("weir firewall", () => {
  let host: Namespace;

  beforeAll(() => {
    host = createNamespace("firewall");
    const rules = `
table ip mine {
  chain input {
    type filter hook input priority 0
    tcp dport 22 accept
  }
}
`;
    execFileSync("ip", ["netns", "exec", host.name, "nft", "-f", "-"], { input: rules });
  });

  afterAll(() => host?.remove());

  const firewall = (...args: string[]): unknown =>
    JSON.parse(host.run(weir, "firewall", ...args, "--json")) as unknown;
  const othersRules = (): string => host.run("nft", "list", "table", "ip", "mine");

  it("is put in, said to be there, put in again and taken out, and leaves other tables alone", () => {
    const mine = othersRules();
    expect(firewall("status")).toEqual({ state: "absent" });
    expect(firewall("apply")).toEqual({ state: "applied", before: "absent" });
    expect(firewall("status")).toEqual({ state: "applied" });
    expect(firewall("apply")).toEqual({ state: "applied", before: "applied" });
    expect(host.run("nft", "list", "table", "inet", "weir").match(/group 3021/gu)).toHaveLength(6);
    expect(othersRules()).toBe(mine);
    expect(firewall("remove")).toEqual({ state: "absent", before: "applied" });
    expect(firewall("remove")).toEqual({ state: "absent", before: "absent" });
    expect(host.run("nft", "list", "tables")).toBe("table ip mine\n");
    expect(othersRules()).toBe(mine);
  });

  it("says that a table of its name is another's, and replaces it", () => {
    host.run("nft", "add", "table", "inet", "weir");
    expect(firewall("status")).toEqual({ state: "outdated" });
    expect(firewall("apply")).toEqual({ state: "applied", before: "outdated" });
    expect(firewall("remove")).toEqual({ state: "absent", before: "applied" });
  });

  it("shows a text that nft takes as it is", () => {
    const text = host.run(weir, "firewall", "show");
    execFileSync("ip", ["netns", "exec", host.name, "nft", "-f", "-"], { input: text });
    expect(firewall("status")).toEqual({ state: "applied" });
    host.run(weir, "firewall", "remove");
  });

  it("refuses a user without the privilege, and says what is needed", () => {
    const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    const command = ["netns", "exec", host.name, "setpriv", ...asNobody, weir, "firewall", "apply", "--json"];
    let told = "";
    try {
      execFileSync("ip", command, { stdio: ["ignore", "pipe", "ignore"] });
    } catch (error) {
      told = String((error as { stdout: Buffer }).stdout);
    }
    expect(JSON.parse(told)).toMatchObject({
      error: { code: "PrivilegeMissing", remedy: "run it with sudo" },
    });
  });
});
