/** A nonce that was accepted stays used, however the program ended. */
import { randomUUID } from "node:crypto";

import { afterAll, expect, it } from "vitest";

import { sign } from "../gateway/rpc/client.ts";
import { type RunningWeir, startWeir, temporaryDirectory } from "../support/weir.ts";

const directory = temporaryDirectory("replay");
const accessKeyId = "replay-test-key";
const accessKeySecret = "replay-test-secret";
let weir: RunningWeir | undefined;

afterAll(async () => {
  await weir?.stop();
  directory.remove();
});

function signedQuery(): string {
  const parameters: [string, string][] = [
    ["AccessKeyId", accessKeyId],
    ["Action", "DescribeFlowLogs"],
    ["RegionId", "cn-shanghai"],
    ["SignatureMethod", "HMAC-SHA1"],
    ["SignatureNonce", randomUUID()],
    ["SignatureVersion", "1.0"],
    ["Timestamp", `${new Date().toISOString().slice(0, 19)}Z`],
    ["Version", "2018-03-13"],
  ];
  const signature = sign("GET", parameters, accessKeySecret);
  return new URLSearchParams([...parameters, ["Signature", signature]]).toString();
}

it("is refused after kill -9, each time", async () => {
  const environment = { WEIR_ACCESS_KEY_ID: accessKeyId, WEIR_ACCESS_KEY_SECRET: accessKeySecret };
  const accepted: string[] = [];
  for (let kill = 0; kill < 3; kill++) {
    weir = await startWeir({ data: directory.path, environment });
    const { endpoint } = weir.ready;
    for (const query of accepted) {
      const replayed = await fetch(`${endpoint}/?${query}`);
      expect(await replayed.json()).toMatchObject({ Code: "SignatureNonceUsed" });
    }
    const batch = Array.from({ length: 20 }, signedQuery);
    const answers = await Promise.all(batch.map((query) => fetch(`${endpoint}/?${query}`)));
    await weir.kill();
    expect(answers.map((answer) => answer.status)).toEqual(batch.map(() => 200));
    accepted.push(...batch);
  }
  weir = await startWeir({ data: directory.path, environment });
  const fresh = await fetch(`${weir.ready.endpoint}/?${signedQuery()}`);
  expect(fresh.status).toBe(200);
});
