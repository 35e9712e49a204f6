import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { unwrap } from "../../../src/base/mod.ts";
import { evaluate } from "../../../src/control/access/evaluation.ts";
import { parsePolicyDocument } from "../../../src/control/access/policy-document.ts";
import { type GivenPolicy, judge } from "./naive-judge.ts";

const account = "1234567890123456";
const flowLog = `acs:vpc:cn-hangzhou:${account}:flowlog/fl-1`;

function verdictOf(
  policies: readonly GivenPolicy[],
  action: string,
  resources: readonly string[] = [flowLog],
  conditions: Readonly<Record<string, string>> = {},
): string {
  const parsed = policies.map((policy) => unwrap(parsePolicyDocument(JSON.stringify(policy))));
  return evaluate(parsed, { action, resources, conditions }).kind;
}

const policy = (...statements: GivenPolicy["Statement"]): GivenPolicy => ({
  Version: "1",
  Statement: statements,
});
const allow = (Action: string | string[], Resource: string | string[] = "*") =>
  ({ Effect: "Allow", Action, Resource }) as const;
const deny = (Action: string | string[], Resource: string | string[] = "*") =>
  ({ Effect: "Deny", Action, Resource }) as const;

describe("policies say to a request", () => {
  it.each<[string, readonly GivenPolicy[], string, string]>([
    ["nothing, without any", [], "vpc:CreateFlowLog", "implicitDeny"],
    ["yes, where one allows it", [policy(allow("vpc:CreateFlowLog"))], "vpc:CreateFlowLog", "allowed"],
    [
      "yes, whatever the case of the action",
      [policy(allow("VPC:createflowlog"))],
      "vpc:CreateFlowLog",
      "allowed",
    ],
    ["yes, by a wildcard", [policy(allow("vpc:*FlowLog"))], "vpc:CreateFlowLog", "allowed"],
    [
      "nothing, where another action is allowed",
      [policy(allow("vpc:Describe*"))],
      "vpc:CreateFlowLog",
      "implicitDeny",
    ],
    [
      "nothing, where the service is another",
      [policy(allow("smartag:*"))],
      "vpc:CreateFlowLog",
      "implicitDeny",
    ],
    [
      "no, where one of several denies it",
      [policy(allow("*")), policy(deny("vpc:CreateFlowLog"))],
      "vpc:CreateFlowLog",
      "explicitDeny",
    ],
    [
      "no, where a later statement denies it",
      [policy(deny("vpc:Create*"), allow("vpc:CreateFlowLog"))],
      "vpc:CreateFlowLog",
      "explicitDeny",
    ],
    [
      "yes, where another resource is denied",
      [policy(allow("vpc:*"), deny("vpc:*", "acs:vpc:*:*:flowlog/fl-2"))],
      "vpc:DeleteFlowLog",
      "allowed",
    ],
    [
      "nothing, where another resource is allowed",
      [policy(allow("vpc:*", "acs:vpc:*:*:flowlog/fl-2"))],
      "vpc:DeleteFlowLog",
      "implicitDeny",
    ],
    [
      "yes, to what is none of a NotAction",
      [policy({ Effect: "Allow", NotAction: "ram:*", Resource: "*" })],
      "vpc:DeleteFlowLog",
      "allowed",
    ],
    [
      "no, to what is none of a denied NotAction",
      [policy(allow("*")), policy({ Effect: "Deny", NotAction: ["vpc:Describe*", "log:*"], Resource: "*" })],
      "vpc:DeleteFlowLog",
      "explicitDeny",
    ],
  ])("%s", (_what, policies, action, expected) => {
    expect(verdictOf(policies, action)).toBe(expected);
  });

  it("yes only if each of several resources is allowed, and no if one is denied", () => {
    const resources = [flowLog, `acs:vpc:cn-hangzhou:${account}:vpc/vpc-1`];
    const flowLogs = allow("vpc:*", "acs:vpc:*:*:flowlog/*");
    const networks = allow("vpc:*", "acs:vpc:*:*:vpc/*");
    expect(verdictOf([policy(flowLogs)], "vpc:CreateFlowLog", resources)).toBe("implicitDeny");
    expect(verdictOf([policy(flowLogs), policy(networks)], "vpc:CreateFlowLog", resources)).toBe("allowed");
    const denied = policy(flowLogs, networks, deny("*", "acs:vpc:*:*:vpc/vpc-1"));
    expect(verdictOf([denied], "vpc:CreateFlowLog", resources)).toBe("explicitDeny");
  });

  it("nothing to a resource with a longer name than any has, whose comparison would take long", () => {
    const pattern = `acs:vpc:*:*:${"*a".repeat(400)}`;
    const resource = `acs:vpc:cn-hangzhou:${account}:flowlog/${"a".repeat(200_000)}`;
    // Compared, the denial would hold.
    expect(verdictOf([policy(allow("*"), deny("*", pattern))], "vpc:DeleteFlowLog", [resource])).toBe(
      "implicitDeny",
    );
  });

  it("nothing that names a resource to a request that names none", () => {
    expect(verdictOf([policy(allow("vpc:*", "acs:vpc:*:*:flowlog/*"))], "vpc:DescribeFlowLogs", [])).toBe(
      "implicitDeny",
    );
    expect(verdictOf([policy(allow("vpc:*"))], "vpc:DescribeFlowLogs", [])).toBe("allowed");
  });

  it.each<[string, Record<string, Record<string, unknown>>, Record<string, string>, boolean]>([
    ["StringEquals", { StringEquals: { "acs:X": ["a", "b"] } }, { "acs:X": "b" }, true],
    ["StringEquals in another case", { StringEquals: { "acs:X": "a" } }, { "acs:X": "A" }, false],
    ["a key in another case", { StringEquals: { "acs:x": "a" } }, { "ACS:X": "a" }, true],
    ["StringEqualsIgnoreCase", { StringEqualsIgnoreCase: { "acs:X": "a" } }, { "acs:X": "A" }, true],
    [
      "StringNotEquals of none of several",
      { StringNotEquals: { "acs:X": ["a", "b"] } },
      { "acs:X": "c" },
      true,
    ],
    [
      "StringNotEquals of one of several",
      { StringNotEquals: { "acs:X": ["a", "b"] } },
      { "acs:X": "b" },
      false,
    ],
    ["StringLike", { StringLike: { "acs:X": "a*d?" } }, { "acs:X": "abcde" }, true],
    ["StringNotLike", { StringNotLike: { "acs:X": "a*" } }, { "acs:X": "abc" }, false],
    ["NumericEquals of another spelling", { NumericEquals: { "acs:X": "5" } }, { "acs:X": "5.0" }, true],
    ["NumericLessThan", { NumericLessThan: { "acs:X": 10 } }, { "acs:X": "9" }, true],
    ["NumericLessThan of text", { NumericLessThan: { "acs:X": 10 } }, { "acs:X": "nine" }, false],
    ["NumericGreaterThanEquals", { NumericGreaterThanEquals: { "acs:X": 10 } }, { "acs:X": "10" }, true],
    [
      "DateLessThan across time zones",
      { DateLessThan: { "acs:CurrentTime": "2026-01-01T08:00:00+08:00" } },
      { "acs:CurrentTime": "2025-12-31T23:59:59Z" },
      true,
    ],
    [
      "DateGreaterThan",
      { DateGreaterThan: { "acs:CurrentTime": "2026-01-01T00:00:00Z" } },
      { "acs:CurrentTime": "2026-01-01T00:00:00.000Z" },
      false,
    ],
    ["Bool", { Bool: { "acs:SecureTransport": "true" } }, { "acs:SecureTransport": "false" }, false],
    [
      "IpAddress in a network",
      { IpAddress: { "acs:SourceIp": "10.1.0.0/16" } },
      { "acs:SourceIp": "10.1.255.1" },
      true,
    ],
    [
      "IpAddress outside",
      { IpAddress: { "acs:SourceIp": "10.1.0.0/16" } },
      { "acs:SourceIp": "10.2.0.1" },
      false,
    ],
    [
      "IpAddress of IPv6",
      { IpAddress: { "acs:SourceIp": "2001:db8::/33" } },
      { "acs:SourceIp": "2001:db8:7fff::1" },
      true,
    ],
    [
      "IPv6 in an IPv4 network",
      { IpAddress: { "acs:SourceIp": "0.0.0.0/0" } },
      { "acs:SourceIp": "2001:db8::1" },
      false,
    ],
    [
      "NotIpAddress",
      { NotIpAddress: { "acs:SourceIp": "10.0.0.0/8" } },
      { "acs:SourceIp": "192.0.2.1" },
      true,
    ],
    ["an absent key", { StringEquals: { "acs:X": "a" } }, {}, false],
    ["an absent key that is denied a value", { StringNotEquals: { "acs:X": "a" } }, {}, true],
    [
      "two keys, of which one holds",
      { StringEquals: { "acs:X": "a", "acs:Y": "b" } },
      { "acs:X": "a", "acs:Y": "c" },
      false,
    ],
    [
      "two operators, which both hold",
      { StringEquals: { "acs:X": "a" }, Bool: { "acs:SecureTransport": "true" } },
      { "acs:X": "a", "acs:SecureTransport": "true" },
      true,
    ],
  ])("on the condition %s", (_what, Condition, conditions, expected) => {
    const policies = [policy({ ...allow("vpc:*"), Condition })];
    expect(verdictOf(policies, "vpc:CreateFlowLog", [flowLog], conditions) === "allowed").toBe(expected);
  });
});

describe("policies and requests at random", () => {
  const one = <T>(values: readonly T[]) => fc.constantFrom(...values);
  const list = <T>(values: readonly T[]) =>
    fc.oneof(one(values), fc.array(one(values), { minLength: 1, maxLength: 3 }));
  const actions = ["vpc:CreateFlowLog", "vpc:DeleteFlowLog", "smartag:CreateFlowLog", "vpc:flowLogs:get"];
  const actionPatterns = [...actions, "*", "vpc:*", "VPC:create*", "*:*FlowLog", "vpc:?????eFlowLog", "s*:*"];
  const resources = [
    flowLog,
    "acs:vpc:eu-central-1:2:flowlog/fl-12",
    "acs:smartag:cn-shanghai:1:smartag/sag-1",
    "*",
  ];
  const resourcePatterns = [...resources, "acs:vpc:*:*:flowlog/*", "acs:*:*:1:*", "acs:vpc:*:*:flowlog/fl-?"];
  const keys = ["acs:SourceIp", "acs:CurrentTime", "acs:SecureTransport", "vpc:Count", "vpc:Name"];
  const values = [
    "10.0.0.1",
    "10.0.0.0/24",
    "2026-01-01T00:00:00Z",
    "2026-06-01T00:00:00Z",
    "true",
    "false",
    "5",
    "7",
    "Ab",
    "ab",
    "a*",
  ];
  const operators = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "IpAddress",
    "NotIpAddress",
  ];
  const condition = fc.dictionary(
    one(operators),
    fc.dictionary(one(keys), list(values), { minKeys: 1, maxKeys: 2 }),
    { maxKeys: 2 },
  );
  const statement = fc
    .record({
      Effect: one(["Allow", "Allow", "Deny"] as const),
      isNot: fc.boolean(),
      patterns: list(actionPatterns),
      Resource: list(resourcePatterns),
      Condition: fc.option(condition, { nil: undefined }),
    })
    .map(({ Effect, isNot, patterns, Resource, Condition }) => ({
      Effect,
      ...(isNot ? { NotAction: patterns } : { Action: patterns }),
      Resource,
      ...(Condition === undefined ? {} : { Condition }),
    }));
  const policies = fc.array(
    fc.array(statement, { minLength: 1, maxLength: 4 }).map((all) => policy(...all)),
    { maxLength: 4 },
  );
  const request = fc.record({
    action: one(actions),
    resources: fc.array(one(resources), { minLength: 1, maxLength: 3 }),
    conditions: fc.dictionary(
      one(keys),
      one(values.filter((value) => !value.includes("/") && !value.includes("*"))),
      { maxKeys: 4 },
    ),
  });

  it("are judged as a naive judge does who was written differently", () => {
    const seen = new Map<string, number>();
    fc.assert(
      fc.property(policies, request, (given, asked) => {
        const readable = given.every((each) => parsePolicyDocument(JSON.stringify(each)).ok);
        fc.pre(readable);
        const verdict = verdictOf(given, asked.action, asked.resources, asked.conditions);
        seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
        expect(verdict).toBe(judge(given, asked));
      }),
      { numRuns: 5000 },
    );
    // Otherwise it would have compared little.
    for (const verdict of ["allowed", "explicitDeny", "implicitDeny"])
      expect(seen.get(verdict)).toBeGreaterThan(100);
  });
});
