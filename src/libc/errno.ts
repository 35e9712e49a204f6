/** errno values of Linux (asm-generic) that a capture call can meet, by the names of errno(3). */
import { constants } from "node:os";

export const errnos = constants.errno;

export function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, value]) => value === errno);
  return found?.[0] ?? `errno ${errno}`;
}
