import { describe, expect, it } from "vitest";

import type { ServeReport } from "../../src/app/report/mod.ts";
import { readyLine, readyText } from "../../src/cli/serve-text.ts";

const report: ServeReport = {
  endpoint: "http://127.0.0.1:8080",
  data: "/var/lib/weir",
  accountId: "1234567890123456",
  accessKeyId: "LTAIexample",
  accessKeySecret: "secret",
  isAccessKeyGiven: false,
  regionId: "cn-shanghai",
  resources: [
    { id: "sag-1", type: "gateway", name: "router" },
    { id: "vpc-1", type: "vpc", name: "router" },
    { id: "eni-1", type: "interface", name: "eth0", parentId: "vpc-1" },
  ],
  warnings: [],
};
const { accessKeySecret: _, ...laterReport } = report;

describe("readyLine()", () => {
  it("is one line with the names that scripts rely on", () => {
    expect(readyLine(report)).toBe(
      '{"ready":true,"endpoint":"http://127.0.0.1:8080","accountId":"1234567890123456","accessKeyId":"LTAIexample","accessKeySecret":"secret",' +
        '"regionId":"cn-shanghai","resources":[{"id":"sag-1","type":"gateway","name":"router"},' +
        '{"id":"vpc-1","type":"vpc","name":"router"},' +
        '{"id":"eni-1","type":"interface","name":"eth0","parentId":"vpc-1"}]}\n',
    );
  });

  it("has no secret on a later start, and warnings where there are any", () => {
    const line = JSON.parse(readyLine({ ...laterReport, warnings: ["no capture"] }));
    expect(line).not.toHaveProperty("accessKeySecret");
    expect(line.warnings).toEqual(["no capture"]);
  });
});

describe("readyText()", () => {
  it("says address, key, resources and a program to paste", () => {
    const text = readyText(report);
    expect(text).toContain("address            http://127.0.0.1:8080\n");
    expect(text).toContain("account            1234567890123456\n");
    expect(text).toContain("access key secret  secret  shown only this once: note it down\n");
    expect(text).toContain(
      "sag-1     gateway    router\nvpc-1     vpc        router\n  eni-1   interface  eth0\n",
    );
    expect(text).toContain('SmartAGId: "sag-1"');
  });

  it("says the address of https, and how clients come to trust it, where there is one", () => {
    const text = readyText({ ...report, httpsEndpoint: "https://127.0.0.1:8080" });
    expect(text).toContain("  https://127.0.0.1:8080  what clients are to trust: ./weir tls export --ca\n");
    expect(JSON.parse(readyLine({ ...report, httpsEndpoint: "https://127.0.0.1:8080" }))).toMatchObject({
      httpsEndpoint: "https://127.0.0.1:8080",
    });
  });

  it("says how clients come to trust an address that speaks https alone", () => {
    const text = readyText({ ...report, endpoint: "https://127.0.0.1:8080" });
    expect(text).toContain("  https://127.0.0.1:8080  what clients are to trust: ./weir tls export --ca\n");
  });

  it.each(["https://0.0.0.0:8080", "https://[::]:8080"])(
    "dials %s by a name that its certificate has",
    (endpoint) => {
      expect(readyText({ ...report, endpoint })).toContain('endpoint: "https://localhost:8080"');
    },
  );

  it("tells on a later start how to get another key", () => {
    const text = readyText(laterReport);
    expect(text).toContain("./weir access-key create makes another");
    expect(text).toContain("accessKeySecret: process.env.SECRET");
  });

  it("does not repeat a secret that the configuration gave", () => {
    expect(readyText({ ...report, isAccessKeyGiven: true })).not.toMatch(/secret  secret|"secret"/u);
  });

  it("names the data directory in commands that would not find it", () => {
    expect(readyText(report)).toContain('--logstore flows --follow")');
    expect(readyText({ ...report, data: "/srv/weir" })).toContain('--follow --data /srv/weir")');
  });

  it("has nothing to paste where there is no gateway", () => {
    expect(readyText({ ...report, resources: [] })).not.toContain("CreateFlowLog");
  });
});
