import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  documentLengthMax,
  parsePolicyDocument,
  parseTrustPolicy,
} from "../../../src/control/access/policy-document.ts";

const statement = { Effect: "Allow", Action: "vpc:CreateFlowLog", Resource: "*" };
const policy = (...statements: readonly object[]): string =>
  JSON.stringify({ Version: "1", Statement: statements });

describe("a policy document", () => {
  it.each([
    ["one value for a list", policy(statement)],
    [
      "lists",
      policy({ ...statement, Action: ["vpc:*", "smartag:Describe*"], Resource: ["acs:vpc:*:*:flowlog/*"] }),
    ],
    ["NotAction", policy({ Effect: "Deny", NotAction: "log:Get*", Resource: "*" })],
    ["actions with two colons", policy({ ...statement, Action: "vpc:flowLogs:create" })],
    [
      "the conditions that the service's documentation shows",
      policy({
        ...statement,
        Condition: {
          IpAddress: { "acs:SourceIp": ["203.0.113.2/32", "2001:db8::/32"] },
          DateLessThan: { "acs:CurrentTime": "2019-08-12T17:00:00+08:00" },
          Bool: { "acs:SecureTransport": true, "acs:MFAPresent": "false" },
          NumericLessThan: { "vpc:Count": 5 },
          StringLike: { "acs:UserAgent": "*" },
        },
      }),
    ],
  ])("may have %s", (_what, text) => {
    expect(parsePolicyDocument(text)).toMatchObject({ ok: true });
  });

  it.each([
    ["no JSON", "{", undefined],
    ["a list", "[]", undefined],
    ["too long a text", policy({ ...statement, Resource: "a".repeat(documentLengthMax) }), undefined],
    ["another version", JSON.stringify({ Version: "2012-10-17", Statement: [statement] }), "Version"],
    ["no statement", policy(), "Statement"],
    ["an unknown element", JSON.stringify({ Version: "1", Statement: [statement], Id: "x" }), "Id"],
    ["an unknown element of a statement", policy({ ...statement, Sid: "x" }), "Statement[0].Sid"],
    ["another effect", policy(statement, { ...statement, Effect: "allow" }), "Statement[1].Effect"],
    ["neither Action nor NotAction", policy({ Effect: "Allow", Resource: "*" }), "Statement[0].Action"],
    ["both of them", policy({ ...statement, NotAction: "*" }), "Statement[0].Action"],
    ["an action without a service", policy({ ...statement, Action: "CreateFlowLog" }), "Statement[0].Action"],
    ["an empty list", policy({ ...statement, Action: [] }), "Statement[0].Action"],
    ["no resource", policy({ Effect: "Allow", Action: "*" }), "Statement[0].Resource"],
    ["a resource that is no ARN", policy({ ...statement, Resource: "fl-1" }), "Statement[0].Resource"],
    [
      "an unknown operator",
      policy({ ...statement, Condition: { StringMatches: { "acs:SourceIp": "x" } } }),
      "Statement[0].Condition.StringMatches",
    ],
    [
      "a network that is none",
      policy({ ...statement, Condition: { IpAddress: { "acs:SourceIp": "10.0.0.0/33" } } }),
      "Statement[0].Condition.IpAddress.acs:SourceIp",
    ],
    [
      "a date that is none",
      policy({ ...statement, Condition: { DateLessThan: { "acs:CurrentTime": "tomorrow" } } }),
      "Statement[0].Condition.DateLessThan.acs:CurrentTime",
    ],
    [
      "a number that is none",
      policy({ ...statement, Condition: { NumericEquals: { "vpc:Count": "many" } } }),
      "Statement[0].Condition.NumericEquals.vpc:Count",
    ],
    [
      "a key without a service",
      policy({ ...statement, Condition: { Bool: { SecureTransport: "true" } } }),
      "Statement[0].Condition.Bool.SecureTransport",
    ],
  ])("is refused with %s", (_what, text, field) => {
    const parsed = parsePolicyDocument(text);
    if (parsed.ok) throw new Error("accepted");
    expect(parsed.fault.code).toBe("PolicyMalformed");
    expect(parsed.fault.field).toBe(field);
  });

  it("is a document or a fault, whatever is given", () => {
    const value = fc.jsonValue({ maxDepth: 4 });
    const near = fc.record(
      {
        Effect: fc.constantFrom("Allow", "Deny", 1),
        Action: value,
        NotAction: value,
        Resource: value,
        Condition: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(value, fc.record({ Version: fc.constant("1"), Statement: fc.array(near) })),
        (given) => {
          for (const parsed of [
            parsePolicyDocument(JSON.stringify(given)),
            parseTrustPolicy(JSON.stringify(given)),
          ]) {
            if (!parsed.ok) expect(parsed.fault.code).toBe("PolicyMalformed");
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("a trust policy", () => {
  const trust = (principal: unknown, rest: object = {}): string =>
    policy({ Effect: "Allow", Action: "sts:AssumeRole", Principal: principal, ...rest });

  it.each([
    ["an account", trust({ RAM: "acs:ram::1234567890123456:root" })],
    ["users and roles", trust({ RAM: ["acs:ram::1:user/alice", "acs:ram::1:role/reader"] })],
  ])("may trust %s", (_what, text) => {
    expect(parseTrustPolicy(text)).toMatchObject({ ok: true });
  });

  it.each([
    ["nobody", trust(undefined)],
    ["a service, of which there is none here", trust({ Service: ["ecs.aliyuncs.com"] })],
    ["everybody", trust({ RAM: "*" })],
    ["for another action", trust({ RAM: "acs:ram::1:root" }, { Action: "*" })],
    ["with a resource", trust({ RAM: "acs:ram::1:root" }, { Resource: "*" })],
  ])("is refused that trusts %s", (_what, text) => {
    expect(parseTrustPolicy(text)).toMatchObject({ fault: { code: "PolicyMalformed" } });
  });
});
