/** Requests in the very forms in which Terraform's provider and the aliyun CLI were seen to send them. */
import { request as httpRequest } from "node:http";

import { type CallTarget, sign } from "./client.ts";

export interface RecordedAnswer {
  readonly status: number;
  readonly body: unknown;
}

export type RecordedFields = Readonly<Record<string, string>>;

export interface RecordedClients {
  /** alicloud: the system's parameters in the query, the operation's in the form, ACS3's headers without ACS3. */
  terraform(action: string, fields: RecordedFields): Promise<RecordedAnswer>;
  /** The aliyun CLI: everything in the query, with an empty SignatureType. */
  cli(method: string, action: string, fields: RecordedFields): Promise<RecordedAnswer>;
}

export function recordedClients(target: CallTarget): RecordedClients {
  const { version, key } = target;
  let nonce = 0;
  const system = (action: string): Record<string, string> => ({
    AccessKeyId: key.accessKeyId,
    Action: action,
    Format: "json",
    SignatureMethod: "HMAC-SHA1",
    SignatureNonce: `client-nonce-${nonce++}`,
    SignatureVersion: "1.0",
    Timestamp: `${new Date().toISOString().slice(0, 19)}Z`,
    Version: version,
  });
  return {
    terraform: (action, fields) => {
      const common = system(action);
      const signature = sign("POST", Object.entries({ ...common, ...fields }), key.accessKeySecret);
      return replay(target, "POST", goEncode({ ...common, Signature: signature }), goEncode(fields), {
        "content-type": "application/x-www-form-urlencoded",
        "x-acs-action": action,
        "x-acs-version": version,
        "user-agent":
          "AlibabaCloud (linux; amd64) Golang/1.24 Core/1.0.0 TeaDSL/1 terraform-provider-alicloud",
      });
    },
    cli: (method, action, fields) => {
      const all = { ...system(action), Format: "JSON", SignatureType: "", ...fields };
      const signature = sign(method, Object.entries(all), key.accessKeySecret);
      return replay(target, method, goEncode({ ...all, Signature: signature }), "", {
        "user-agent": "AlibabaCloud (linux; amd64) Golang/1.22 Core/1.63.22 Aliyun-CLI/3.0",
        "content-type": "application/x-www-form-urlencoded",
      });
    },
  };
}

/** As Go's url.Values.Encode: sorted, space as plus. */
function goEncode(fields: RecordedFields): string {
  const sorted = Object.entries(fields).sort(([left], [right]) => (left < right ? -1 : 1));
  return new URLSearchParams(sorted).toString();
}

/** `query` and `form` are already encoded as that client encodes. */
function replay(
  { endpoint }: CallTarget,
  method: string,
  query: string,
  form: string,
  headers: Record<string, string>,
): Promise<RecordedAnswer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(endpoint);
    const path = query === "" ? "/" : `/?${query}`;
    const request = httpRequest({ port, host: hostname, method, path, headers }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => (text += chunk.toString()));
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body: JSON.parse(text) }));
    });
    request.on("error", reject);
    request.end(form);
  });
}
