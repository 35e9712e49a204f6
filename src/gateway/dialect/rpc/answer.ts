/** Answers of the RPC style in its two formats. */

export type RpcValue = string | number | boolean | readonly RpcValue[] | RpcObject;
export interface RpcObject {
  readonly [name: string]: RpcValue;
}

export type RpcFormat = "JSON" | "XML";

export const contentTypes: Readonly<Record<RpcFormat, string>> = {
  JSON: "application/json;charset=utf-8",
  // SDKs that read XML ask for this very spelling.
  XML: "text/xml;charset=utf-8",
};

/** `root` is the name of the XML document's element; JSON has none. */
export function render(format: RpcFormat, root: string, value: RpcObject): string {
  if (format === "JSON") return JSON.stringify(value);
  return `<?xml version='1.0' encoding='UTF-8'?>${element(root, value)}`;
}

/** A list is its element repeated. */
function element(name: string, value: RpcValue): string {
  if (isList(value)) return value.map((item) => element(name, item)).join("");
  return `<${name}>${content(value)}</${name}>`;
}

function content(value: Exclude<RpcValue, readonly RpcValue[]>): string {
  if (typeof value !== "object") return escapeXml(String(value));
  return Object.entries(value)
    .map(([name, member]) => element(name, member))
    .join("");
}

function isList(value: RpcValue): value is readonly RpcValue[] {
  return Array.isArray(value);
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Characters that XML 1.0 cannot carry at all become U+FFFD. */
// eslint-disable-next-line no-control-regex
const unrepresentable = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu;

function escapeXml(text: string): string {
  return text.replace(/[&<>"]/gu, (character) => entities[character]!).replace(unrepresentable, "\ufffd");
}
