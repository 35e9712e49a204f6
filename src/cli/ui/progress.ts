/** One line on standard error that says how far a long command is; silent where nobody watches. */
export interface Progress {
  /** Shows `text`; `fraction` 0–1 draws a bar where the end is known. Drawn at most ten times a second. */
  show(text: string, fraction?: number): void;
  /** Clears the line, so that what is printed next stands alone. */
  clear(): void;
}

const barWidth = 24;
const redrawMs = 100;

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export function createProgress(stream: ProgressStream = process.stderr): Progress {
  if (stream.isTTY !== true) return { show: () => undefined, clear: () => undefined };
  let drawnMs = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  return {
    show: (text, fraction) => {
      const nowMs = performance.now();
      if (nowMs - drawnMs < redrawMs) return;
      drawnMs = nowMs;
      isDrawn = true;
      const line = fraction === undefined ? text : `${formatBar(fraction)} ${text}`;
      stream.write(`\r\u001b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    clear: () => {
      if (isDrawn) stream.write("\r\u001b[K");
      isDrawn = false;
      drawnMs = Number.NEGATIVE_INFINITY;
    },
  };
}

/** `[######------]  50 %` */
export function formatBar(fraction: number): string {
  const part = Math.min(1, Math.max(0, fraction));
  const full = Math.round(part * barWidth);
  const percent = Math.floor(part * 100).toString();
  return `[${"#".repeat(full)}${"-".repeat(barWidth - full)}] ${percent.padStart(3)} %`;
}
