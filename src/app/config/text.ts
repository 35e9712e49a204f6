/** Kinds of text that several settings take. */
import { z } from "zod";

export const regionId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{1,63}$/u)
  .meta({ allowed: "a region id: lower-case letters, digits and hyphens" });

export const interfacePattern = z
  .string()
  .regex(/^[^\s/]{1,32}$/u)
  .meta({ allowed: "an interface name; * stands for any characters" });
