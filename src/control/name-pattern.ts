/** Whether one of the patterns matches the whole name; `*` stands for any characters. */
export function matchesName(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split("*").map((text) => RegExp.escape(text));
    return new RegExp(`^${parts.join(".*")}$`, "u").test(name);
  });
}
