/** Text styles for terminals; plain text wherever the stream is not one, or NO_COLOR is set. */
import { styleText } from "node:util";

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warning(text: string): string;
  bad(text: string): string;
  accent(text: string): string;
}

type TextFormat = Parameters<typeof styleText>[0];

/** The styles that suit `stream`. */
export function createStyle(stream: NodeJS.WritableStream = process.stdout): Style {
  const apply =
    (format: TextFormat) =>
    (text: string): string =>
      styleText(format, text, { stream, validateStream: true });
  return {
    bold: apply("bold"),
    dim: apply("dim"),
    good: apply("green"),
    warning: apply("yellow"),
    bad: apply("red"),
    accent: apply("cyan"),
  };
}
