import { readFileSync } from "node:fs";
import { join } from "node:path";

import { afterEach, describe, expect, it } from "vitest";

import { type HuaweiServer, startHuaweiServer } from "./fixture.ts";

interface Recorded {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly status: number;
  readonly answer?: unknown;
}

const vectors = join(import.meta.dirname, "../../vectors/huawei");
const account = {
  id: "1695652619582413",
  accessKeyId: "LTAItestkey000001",
  accessKeySecret: "secretsecretsecret1",
};
const recordedResource = "34d60f46-a1e4-4248-a344-3fb3b1e09e4a";
const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gu;

let server: HuaweiServer;
afterEach(() => server.stop());

/**
 * Sends the requests again, in order, to a server that never saw them: bodies byte for byte but for ids that
 * the server gives, and with a signature or token of their own, for both name those ids.
 */
async function replay(requests: readonly Recorded[]): Promise<{ sent: string[]; answered: string[] }> {
  const ids = new Map([[recordedResource, server.resource("eth0").uuid]]);
  const translate = (text: string): string => text.replaceAll(uuid, (id) => ids.get(id) ?? id);
  let token: string | undefined;
  const sent: string[] = [];
  const answered: string[] = [];
  for (const { method, target, headers, body, status, answer } of requests) {
    const usesToken = headers["x-auth-token"] !== undefined || target.startsWith("/v3/auth/tokens");
    const reply = await server.call(method, translate(target), body === "" ? undefined : translate(body), {
      isDerived: headers["authorization"]?.includes("Credential=") === true,
      ...(usesToken ? { token: token ?? "" } : {}),
    });
    const given = reply.headers.get("x-subject-token");
    if (given !== null && reply.body.token.project !== undefined) token = given;
    const recordedIds = JSON.stringify(answer ?? {}).match(uuid) ?? [];
    const givenIds = reply.text.match(uuid) ?? [];
    for (const [index, id] of recordedIds.entries()) if (!ids.has(id)) ids.set(id, givenIds[index]!);
    sent.push(`${status} ${method} ${target}`);
    answered.push(`${reply.status} ${method} ${target}`);
    expect(shapeOf(reply.body ?? {}), target).toEqual(
      answer === undefined ? expect.anything() : shapeOf(answer),
    );
  }
  return { sent, answered };
}

/** The names of the fields, and the types of their values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, shapeOf(each)]));
}

describe("Terraform's conversation", () => {
  it.each(["huaweicloud", "opentelekomcloud-password", "opentelekomcloud-access-key"])(
    "of %s is answered as it was when the provider was content with it",
    async (name) => {
      const requests = JSON.parse(readFileSync(join(vectors, `${name}.json`), "utf8")) as Recorded[];
      server = await startHuaweiServer({ account });
      const { sent, answered } = await replay(requests);
      expect(answered).toEqual(sent);
      expect(server.control.flowLogs.all()).toEqual([]);
      expect(server.groups.list(server.project)).toEqual([]);
    },
  );
});
