/**
 * The load generator of the API benchmark, in a process of its own: signs DescribeFlowLogs calls, each with
 * a nonce of its own, over a fixed number of kept-alive connections, and reports rate and latency.
 *
 * The requests of a round are signed before its clock starts, as clients on other machines would have it;
 * what is measured is the server.
 */
import { createHmac, randomUUID } from "node:crypto";
import { connect } from "node:net";

export interface LoadOrder {
  readonly port: number;
  readonly regionId: string;
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
  readonly connections: number;
  readonly requests: number;
  readonly pageSize: number;
}

export interface LoadReport {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly answerBytes: number;
}

const encode = (text: string): string => encodeURIComponent(text).replaceAll("*", "%2A");

function signedRequest({ port, regionId, accessKeyId, accessKeySecret, pageSize }: LoadOrder): string {
  const parameters = [
    `AccessKeyId=${accessKeyId}`,
    "Action=DescribeFlowLogs",
    "Format=JSON",
    `PageSize=${pageSize}`,
    `RegionId=${regionId}`,
    "SignatureMethod=HMAC-SHA1",
    `SignatureNonce=${randomUUID()}`,
    "SignatureVersion=1.0",
    `Timestamp=${encode(`${new Date().toISOString().slice(0, 19)}Z`)}`,
    "Version=2018-03-13",
  ].join("&");
  const signature = createHmac("sha1", `${accessKeySecret}&`)
    .update(`GET&%2F&${encode(parameters)}`)
    .digest("base64");
  return `GET /?${parameters}&Signature=${encode(signature)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
}

/** Answers are told apart by Content-Length; only the status line is looked at. */
function drive(
  port: number,
  requests: readonly string[],
  latenciesMs: number[],
): Promise<{ errors: number; bytes: number }> {
  return new Promise((resolve, reject) => {
    let next = 0;
    let errors = 0;
    let bytes = 0;
    let sentMs = 0;
    let pending = "";
    const socket = connect(port, "127.0.0.1");
    socket.setNoDelay(true);
    const send = (): void => {
      if (next === requests.length) {
        socket.destroy();
        resolve({ errors, bytes });
        return;
      }
      sentMs = performance.now();
      socket.write(requests[next++]!);
    };
    socket.on("connect", send);
    socket.on("error", reject);
    socket.on("data", (chunk) => {
      pending += chunk.toString("latin1");
      const headEnd = pending.indexOf("\r\n\r\n");
      if (headEnd < 0) return;
      const length = Number(/content-length: (\d+)/iu.exec(pending)?.[1]);
      if (pending.length < headEnd + 4 + length) return;
      latenciesMs.push(performance.now() - sentMs);
      if (!pending.startsWith("HTTP/1.1 200")) errors++;
      bytes += length;
      pending = "";
      send();
    });
  });
}

async function run(order: LoadOrder): Promise<LoadReport> {
  const shares = Array.from({ length: order.connections }, () =>
    Array.from({ length: Math.ceil(order.requests / order.connections) }, () => signedRequest(order)),
  );
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const outcomes = await Promise.all(shares.map((share) => drive(order.port, share, latenciesMs)));
  const seconds = (performance.now() - startMs) / 1000;
  latenciesMs.sort((left, right) => left - right);
  const at = (part: number) => latenciesMs[Math.floor((latenciesMs.length - 1) * part)] ?? 0;
  const requests = latenciesMs.length;
  const bytes = outcomes.reduce((sum, outcome) => sum + outcome.bytes, 0);
  return {
    requests,
    errors: outcomes.reduce((sum, outcome) => sum + outcome.errors, 0),
    seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    answerBytes: Math.round(bytes / requests),
  };
}

process.on("message", (order: LoadOrder) => {
  void run(order).then((report) => process.send!(report));
});
