/** Where Weir keeps its state when nobody says otherwise. Apart from config/, so that clients load no schema. */
import { homedir } from "node:os";
import { join } from "node:path";

const systemDataDirectory = "/var/lib/weir";

/** `/var/lib/weir` as root, else `$XDG_STATE_HOME/weir` or `~/.local/state/weir`. */
export function defaultDataDirectory(): string {
  return process.getuid?.() === 0 ? systemDataDirectory : userDataDirectory();
}

/** Where a client looks for a running server that it was given no directory of: its user's, then the system's. */
export function candidateDataDirectories(): readonly string[] {
  return [...new Set([defaultDataDirectory(), systemDataDirectory, userDataDirectory()])];
}

function userDataDirectory(): string {
  const stateHome = process.env["XDG_STATE_HOME"];
  const base = stateHome === undefined || stateHome === "" ? join(homedir(), ".local/state") : stateHome;
  return join(base, "weir");
}
