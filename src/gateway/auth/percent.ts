/** Percent-encoding as the clouds' signatures want it: RFC 3986, everything but unreserved characters. */

const leftAlone = /[!'()*]/gu;

export function percentEncode(text: string): string {
  return encodeURIComponent(text).replace(
    leftAlone,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
