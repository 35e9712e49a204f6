/** Identifiers in the forms that the clouds' documents print. Random ones come from the platform's CSPRNG. */

const lowerAlphanumeric = "abcdefghijklmnopqrstuvwxyz0123456789";
const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** `length` characters drawn evenly from `alphabet` (at most 256 characters). */
export function randomText(length: number, alphabet: string = lowerAlphanumeric): string {
  const limit = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(64))) {
      if (byte < limit && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}

/** `fl-` and 20 characters, as Alibaba's documents print flow log ids. */
export function newFlowLogId(): string {
  return `fl-${randomText(20)}`;
}

/** An upper-case UUID, the RequestId of the RPC services. */
export function newRequestId(): string {
  return crypto.randomUUID().toUpperCase();
}

/** An access key id and secret in the lengths that Alibaba's consoles hand out (LTAI + 20, 30). */
export function newAccessKey(): { accessKeyId: string; accessKeySecret: string } {
  return {
    accessKeyId: `LTAI${randomText(20, alphanumeric)}`,
    accessKeySecret: randomText(30, alphanumeric),
  };
}

/** A 16-digit account id, as Alibaba's are. */
export function newAccountId(): string {
  return `1${randomText(15, "0123456789")}`;
}
