/** One line of the doctor's report. */
export interface Check {
  /** What was looked at. */
  readonly name: string;
  /** `warn`: Weir works, but not all of it or not for long. `fail`: it does not start, or captures nothing. */
  readonly state: "ok" | "warn" | "fail";
  readonly text: string;
  /** How to mend it. */
  readonly remedy?: string;
}

export function passed(name: string, text: string): Check {
  return { name, state: "ok", text };
}

export function warned(name: string, text: string, remedy?: string): Check {
  return { name, state: "warn", text, ...(remedy === undefined ? {} : { remedy }) };
}

export function failed(name: string, text: string, remedy?: string): Check {
  return { name, state: "fail", text, ...(remedy === undefined ? {} : { remedy }) };
}
