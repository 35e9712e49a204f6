/** docs/reference/configuration.md, from the configuration's schema. */
import { listSettings, type Setting } from "../../src/app/config/mod.ts";
import { code, generatedNote, markdownTable } from "./markdown.ts";

const intro = `# Configuration

Every setting has a default; Weir starts without any. A setting is given, in rising order of weight,

1. in a YAML file: \`./weir serve --config weir.yaml\` (or \`WEIR_CONFIG\`);
2. in the environment, by the name in the table; lists are separated by commas, an empty variable counts as not set;
3. as a flag: \`--data\`, \`--listen\`, \`--log-level\`, and \`--set NAME=VALUE\` for any other.

A name that is not listed here, or a value that is not allowed, is refused with the line it stands on; Weir does not start with half a configuration.

\`\`\`yaml
listen: 0.0.0.0:8090
capture:
  interfaces:
    exclude: [docker0, veth*]
store:
  retentionDays: 90
\`\`\`
`;

export function configurationPage(): string {
  const settings = listSettings();
  const single = settings.filter(({ kind }) => kind !== "objects");
  const rows = single.map((setting) => [
    code(setting.path),
    setting.description,
    defaultOf(setting),
    setting.allowed,
    code(setting.environment ?? ""),
  ]);
  const lists = settings.filter(({ kind }) => kind === "objects").map(listSection);
  const table = markdownTable(["setting", "what it is", "default", "allowed", "environment"], rows);
  return `${intro}\n${generatedNote}\n## Settings\n\n${table}${lists.join("")}`;
}

function listSection(setting: Setting): string {
  const rows = setting.elements.map((element) => [
    code(element.path),
    element.description,
    defaultOf(element),
    element.allowed,
  ]);
  const table = markdownTable(["name", "what it is", "default", "allowed"], rows);
  return `\n## \`${setting.path}\`\n\n${setting.description}. A list, in the file only; each element has:\n\n${table}`;
}

function defaultOf({ defaultText }: Setting): string {
  if (defaultText === undefined) return "";
  return defaultText.includes("`") ? defaultText : code(defaultText);
}
