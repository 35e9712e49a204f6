/** Proves that the API answers a signed call, before Weir says that it is ready. */
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";

import { fail, ok, type Result } from "../base/mod.ts";
import { percentEncode, rpcStringToSign, signRpc } from "../gateway/auth/mod.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

const timeoutMs = 5000;

/** Calls DescribeFlowLogs at the endpoint as a client would. Fault: `Internal` with what was answered. */
export function callSigned(endpoint: string, regionId: string, key: Credentials): Promise<Result<void>> {
  const parameters = new Map([
    ["AccessKeyId", key.accessKeyId],
    ["Action", "DescribeFlowLogs"],
    ["Format", "JSON"],
    ["RegionId", regionId],
    ["SignatureMethod", "HMAC-SHA1"],
    ["SignatureNonce", crypto.randomUUID()],
    ["SignatureVersion", "1.0"],
    ["Timestamp", new Date().toISOString().replace(/\.\d+Z$/u, "Z")],
    ["Version", "2018-03-13"],
  ]);
  const signature = signRpc(rpcStringToSign("GET", parameters), key.accessKeySecret);
  parameters.set("Signature", signature.toString("base64"));
  const query = [...parameters].map(([name, value]) => `${name}=${percentEncode(value)}`).join("&");
  return new Promise((resolve) => {
    // node:http rather than fetch(), which costs the idle process several megabytes.
    // Whether the certificate is good for this address is for its clients to say.
    const options = { agent: false, timeout: timeoutMs, rejectUnauthorized: false };
    const get = endpoint.startsWith("https:") ? getHttps : getHttp;
    const request = get(`${endpoint}/?${query}`, options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => {
        if (response.statusCode === 200) resolve(ok(undefined));
        else
          resolve(
            fail("Internal", `a signed call was answered with ${response.statusCode}: ${body.slice(0, 200)}`),
          );
      });
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    request.on("error", (error) =>
      resolve(fail("Internal", `a signed call was not answered: ${error.message}`, { cause: error })),
    );
  });
}
