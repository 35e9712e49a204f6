/** The wildcards of policies: `*` for any characters, none included, and `?` for one. */

const star = 0x2a;
const questionMark = 0x3f;

/**
 * Whether the pattern covers the whole text. Goes back to the last `*` alone, so that the work is bounded by
 * the product of both lengths, whatever the pattern.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let patternAt = 0;
  let textAt = 0;
  let starAt = -1;
  let retryAt = 0;
  while (textAt < text.length) {
    const wanted = patternAt < pattern.length ? pattern.charCodeAt(patternAt) : -1;
    if (wanted === star) {
      starAt = patternAt++;
      retryAt = textAt;
    } else if (wanted === questionMark || wanted === text.charCodeAt(textAt)) {
      patternAt++;
      textAt++;
    } else if (starAt >= 0) {
      patternAt = starAt + 1;
      textAt = ++retryAt;
    } else return false;
  }
  while (patternAt < pattern.length && pattern.charCodeAt(patternAt) === star) patternAt++;
  return patternAt === pattern.length;
}
