/** Which of the host's interfaces Weir looks at, by the patterns of the configuration. */

export interface InterfaceSelection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The names that `include` matches and `exclude` does not; `*` stands for any characters. */
export function selectInterfaces(
  names: readonly string[],
  { include, exclude }: InterfaceSelection,
): string[] {
  const included = matcherOf(include);
  const excluded = matcherOf(exclude);
  return names.filter((name) => included(name) && !excluded(name));
}

function matcherOf(patterns: readonly string[]): (name: string) => boolean {
  const alternatives = patterns.map((pattern) =>
    pattern
      .split("*")
      .map((text) => RegExp.escape(text))
      .join(".*"),
  );
  const expression = new RegExp(`^(?:${alternatives.join("|")})$`, "u");
  return (name) => patterns.length > 0 && expression.test(name);
}
