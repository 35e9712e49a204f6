/** The generated reference pages, by file name. */
import { commandsPage } from "./commands.ts";
import { configurationPage } from "./configuration.ts";
import { errorsPage } from "./errors.ts";
import { fieldsPage } from "./fields.ts";
import { metricsPage } from "./metrics.ts";

export function generatePages(): ReadonlyMap<string, string> {
  return new Map([
    ["commands.md", commandsPage()],
    ["configuration.md", configurationPage()],
    ["errors.md", errorsPage()],
    ["fields.md", fieldsPage()],
    ["metrics.md", metricsPage()],
  ]);
}
