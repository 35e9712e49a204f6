/** The configuration file: YAML 1.2, one document, a mapping; remembers the line of every setting. */
import { isMap, isNode, LineCounter, parseDocument } from "yaml";

import { fail, ok, type Result } from "../../base/mod.ts";

/** `weir.yaml line 3`, for the setting at `path` or the nearest one above it; undefined if the file has neither. */
export type FileLocator = (path: readonly PropertyKey[]) => string | undefined;

export interface ConfigurationFile {
  readonly content: Record<string, unknown>;
  readonly locate: FileLocator;
}

export function parseConfigurationFile(path: string, text: string): Result<ConfigurationFile> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, stringKeys: true });
  const problem = document.errors[0];
  if (problem !== undefined) {
    const reason = problem.message.split(" at line ")[0] ?? problem.message;
    return refuseFile(`${path} line ${lines.linePos(problem.pos[0]).line}: ${reason}`, path);
  }
  if (document.contents === null) return ok({ content: {}, locate: () => undefined });
  if (!isMap(document.contents)) {
    return refuseFile(`${path} line 1: the file is not a mapping of settings`, path);
  }
  try {
    const content = document.toJS({ maxAliasCount: 20 }) as Record<string, unknown>;
    return ok({
      content,
      locate: (names) => {
        for (let length = names.length; length > 0; length--) {
          const offset = offsetOf(document.contents, names.slice(0, length));
          if (offset !== undefined) return `${path} line ${lines.linePos(offset).line}`;
        }
        return undefined;
      },
    });
  } catch (error) {
    return refuseFile(`${path}: ${error instanceof Error ? error.message : String(error)}`, path);
  }
}

function refuseFile(message: string, path: string): Result<never> {
  return fail("ConfigInvalid", message, {
    field: "config",
    value: path,
    allowed: "a YAML mapping of the settings in docs/reference/configuration.md",
  });
}

/** Where the key of the last name stands; values may begin a line later. */
function offsetOf(root: unknown, names: readonly PropertyKey[]): number | undefined {
  let node: unknown = root;
  let offset: number | undefined;
  for (const name of names) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isNode(item.key) && item.key.toJSON() === name);
      if (pair === undefined || !isNode(pair.key)) return undefined;
      offset = pair.key.range?.[0];
      node = pair.value;
    } else if (typeof name === "number" && isNode(node) && "items" in node) {
      node = (node.items as unknown[])[name];
      if (!isNode(node)) return undefined;
      offset = node.range?.[0];
    } else return undefined;
  }
  return offset;
}
