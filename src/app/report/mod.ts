/** What a Weir that has just become ready says of itself, and what one that stops hands back. */
export interface ServeReport {
  /** `http://host:port`, or `https://…` where that alone is served, with the port that was given out. */
  readonly endpoint: string;
  /** `https://host:port`, where https is served beside http. */
  readonly httpsEndpoint?: string;
  /** The data directory. */
  readonly data: string;
  /** The account's id, which ARNs and policies name. */
  readonly accountId: string;
  readonly accessKeyId: string;
  /** Only on the start that created the key. */
  readonly accessKeySecret?: string;
  /** Whether the configuration names the key: its secret is then shown to scripts that ask, not on a page. */
  readonly isAccessKeyGiven: boolean;
  readonly regionId: string;
  readonly resources: readonly ReportedResource[];
  /** Sentences: what does not work here, and what mends it. */
  readonly warnings: readonly string[];
}

export interface ReportedResource {
  readonly id: string;
  readonly type: "vpc" | "subnet" | "interface" | "gateway";
  readonly name: string;
  /** What it is in. */
  readonly parentId?: string;
}

export interface RunningServer {
  readonly report: ServeReport;
  /** Reads anew what can be while Weir runs, which are the files of the certificate; the log says what came of it. */
  reload(): void;
  /** Drains and stops; resolves when everything accepted is on disk. */
  stop(): Promise<void>;
}
