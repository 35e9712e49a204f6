/**
 * A second judge of policies, straight from the words of RAM's documentation: one question after the other
 * on the documents as they are written, patterns by regular expressions, networks by BlockList.
 */
import { BlockList, isIPv4 } from "node:net";

export interface GivenStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Action?: string | readonly string[];
  readonly NotAction?: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export interface GivenPolicy {
  readonly Version: "1";
  readonly Statement: readonly GivenStatement[];
}

interface Asked {
  readonly action: string;
  readonly resources: readonly string[];
  readonly conditions: Readonly<Record<string, string>>;
}

export function judge(policies: readonly GivenPolicy[], asked: Asked): string {
  const verdicts = asked.resources.map((resource) => {
    const effects = policies
      .flatMap(({ Statement }) => Statement)
      .filter((statement) => applies(statement, asked, resource))
      .map(({ Effect }) => Effect);
    if (effects.includes("Deny")) return "explicitDeny";
    return effects.includes("Allow") ? "allowed" : "implicitDeny";
  });
  if (verdicts.includes("explicitDeny")) return "explicitDeny";
  return verdicts.includes("implicitDeny") ? "implicitDeny" : "allowed";
}

function applies(statement: GivenStatement, { action, conditions }: Asked, resource: string): boolean {
  const named = texts(statement.Action ?? statement.NotAction).some((pattern) => like(pattern, action, "i"));
  if (named !== (statement.Action !== undefined)) return false;
  if (!texts(statement.Resource).some((pattern) => like(pattern, resource, ""))) return false;
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    for (const [key, wanted] of Object.entries(keys)) {
      if (!holds(operator, conditions[key], texts(wanted))) return false;
    }
  }
  return true;
}

function holds(operator: string, actual: string | undefined, wanted: readonly string[]): boolean {
  if (/Not/u.test(operator)) return !holds(operator.replace("Not", ""), actual, wanted);
  if (actual === undefined) return false;
  return wanted.some((value) => compares(operator, actual, value));
}

function compares(operator: string, actual: string, wanted: string): boolean {
  const [, type = "", relation = ""] = /^(String|Numeric|Date|Bool|IpAddress)(.*)$/u.exec(operator) ?? [];
  if (type === "Bool") return actual === wanted;
  if (type === "IpAddress") return isIn(actual, wanted);
  if (type === "String") {
    if (relation === "Equals") return actual === wanted;
    return relation === "Like" ? like(wanted, actual, "") : actual.toUpperCase() === wanted.toUpperCase();
  }
  const measure = type === "Date" ? timeOf : Number;
  const difference = measure(actual) - measure(wanted);
  if (relation.endsWith("Equals") && difference === 0) return true;
  if (relation.startsWith("LessThan")) return difference < 0;
  return relation.startsWith("GreaterThan") && difference > 0;
}

/** Not every text that Date.parse takes is a date: "5" would be one. */
function timeOf(text: string): number {
  return text.includes("T") ? Date.parse(text) : Number.NaN;
}

function isIn(actual: string, network: string): boolean {
  if (!isIPv4(actual)) return false;
  const [address = "", length = "32"] = network.split("/");
  const list = new BlockList();
  list.addSubnet(address, Number(length), "ipv4");
  return list.check(actual, "ipv4");
}

function like(pattern: string, text: string, flags: string): boolean {
  const expression = pattern.replaceAll(/[.+^${}()|[\]\\]/gu, String.raw`\$&`);
  return new RegExp(`^${expression.replaceAll("*", ".*").replaceAll("?", ".")}$`, flags).test(text);
}

function texts(given: unknown): readonly string[] {
  return (Array.isArray(given) ? given : [given]).map(String);
}
