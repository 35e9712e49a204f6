/** What `weir serve` says when it is ready: a page for people, a line for scripts. */
import { candidateDataDirectories } from "../app/location/mod.ts";
import type { ServeReport } from "../app/report/mod.ts";
import { branchesOf } from "./resource-tree.ts";
import { createStyle, type Style } from "./ui/style.ts";
import { formatPairs, formatTable } from "./ui/table.ts";

/** One JSON object and a newline. */
export function readyLine({
  endpoint,
  httpsEndpoint,
  accountId,
  accessKeyId,
  accessKeySecret,
  regionId,
  resources,
  warnings,
}: ServeReport): string {
  const line = {
    ready: true,
    endpoint,
    ...(httpsEndpoint === undefined ? {} : { httpsEndpoint }),
    accountId,
    accessKeyId,
    ...(accessKeySecret === undefined ? {} : { accessKeySecret }),
    regionId,
    resources,
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  return `${JSON.stringify(line)}\n`;
}

export function readyText(report: ServeReport): string {
  const style = createStyle();
  const trust = `  ${style.dim("what clients are to trust: ./weir tls export --ca")}`;
  const facts = formatPairs([
    ["address", `${style.accent(report.endpoint)}${report.endpoint.startsWith("https:") ? trust : ""}`],
    ...(report.httpsEndpoint === undefined ? [] : ([["", `${report.httpsEndpoint}${trust}`]] as const)),
    ["data", report.data],
    ["account", report.accountId],
    ["region", report.regionId],
    ["access key id", report.accessKeyId],
    ["access key secret", secretText(report, style)],
  ]);
  const resources = formatTable(
    [{ title: "RESOURCE" }, { title: "TYPE" }, { title: "NAME" }],
    branchesOf(report.resources).map(({ resource: { id, type, name }, depth }) => [
      `${"  ".repeat(depth)}${id}`,
      type,
      name,
    ]),
  );
  return `${style.good("Weir is ready.")}

${facts}
${resources}
${snippet(report)}`;
}

/** What the operator chose is not repeated: a page ends in journals and scrollback. */
function secretText({ accessKeySecret, isAccessKeyGiven }: ServeReport, style: Style): string {
  if (isAccessKeyGiven) return style.dim("the one of the configuration");
  if (accessKeySecret !== undefined) {
    return `${accessKeySecret}  ${style.warning("shown only this once: note it down")}`;
  }
  return style.dim("not shown again; ./weir access-key create makes another key");
}

/** A program to paste: it creates a flow log on the host's gateway with Alibaba's own SDK. */
function snippet(report: ServeReport): string {
  const style = createStyle();
  const gateway = report.resources.find(({ type }) => type === "gateway");
  if (gateway === undefined) return "";
  const secret =
    report.accessKeySecret === undefined || report.isAccessKeyGiven
      ? "process.env.SECRET"
      : JSON.stringify(report.accessKeySecret);
  const data = candidateDataDirectories().includes(report.data) ? "" : ` --data ${report.data}`;
  return `${style.bold("A first flow log")}, with Alibaba's SDK (npm install @alicloud/pop-core), or with ./weir flow-log create${data}:

const Core = require("@alicloud/pop-core");
const client = new Core({ accessKeyId: "${report.accessKeyId}", accessKeySecret: ${secret}, endpoint: "${endpointHere(report.endpoint)}", apiVersion: "2018-03-13" });
const call = (action, parameters) => client.request(action, { RegionId: "${report.regionId}", ...parameters }, { method: "POST" });
call("CreateFlowLog", { Name: "first", OutputType: "sls", SlsRegionId: "${report.regionId}", ProjectName: "traffic", LogstoreName: "flows" })
  .then(({ FlowLogId }) => call("AssociateFlowLog", { FlowLogId, SmartAGId: "${gateway.id}" }))
  .then(() => console.log("look: ./weir records --project traffic --logstore flows --follow${data}"), console.error);
`;
}

/** The address by which a program on this host finds an endpoint, one on every address too, under a certificate's name. */
function endpointHere(endpoint: string): string {
  return endpoint.replace(/\/\/(?:0\.0\.0\.0|\[::\]):/u, "//localhost:");
}
