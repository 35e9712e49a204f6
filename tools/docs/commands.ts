/** docs/reference/commands.md: the help text of every command. */
import { generateHelpTextForAllCommands } from "@stricli/core";

import { application } from "../../src/cli/mod.ts";
import { generatedNote } from "./markdown.ts";

export function commandsPage(): string {
  const sections = generateHelpTextForAllCommands(application).map(
    ([route, help]) => `## ${route}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`,
  );
  return `# Commands

What \`--help\` says of each command. \`./weir\` alone gives an overview.

${generatedNote}
${sections.join("\n")}`;
}
