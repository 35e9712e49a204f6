/** Flow logs as people read them. */
import { formatPairs, formatTable } from "./ui/table.ts";
import { describeTree } from "./ui/tree.ts";

/** A flow log as the native API answers it. */
export interface FlowLogAnswer {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly status: string;
  readonly service: string;
  readonly regionId: string;
  /** What is under way, while it is. */
  readonly transition?: string;
  readonly policy:
    | { readonly kind: "aging"; readonly activeTimeoutS: number; readonly inactiveTimeoutS: number }
    | { readonly kind: "window"; readonly windowS: number };
  readonly filter: { readonly trafficType: string; readonly ipVersions: readonly number[] };
  readonly resourceGroupId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly outputs: {
    readonly logService: {
      readonly enabled: boolean;
      readonly regionId: string;
      readonly project: string;
      readonly logstore: string;
    };
    readonly netflow: {
      readonly enabled: boolean;
      readonly address: string;
      readonly port: number;
      readonly version: number;
    };
  };
  readonly resourceIds: readonly string[];
  readonly createdTime: string;
  readonly updatedTime: string;
  readonly delivery?: Readonly<Record<string, unknown>>;
}

export function flowLogTable(flowLogs: readonly FlowLogAnswer[]): string {
  const titles = ["ID", "NAME", "SERVICE", "STATUS", "REGION", "LOG SERVICE", "NETFLOW", "RESOURCES"];
  return formatTable(
    titles.map((title) => ({ title, widthMax: 40 })),
    flowLogs.map((flowLog) => [
      flowLog.id,
      flowLog.name === "" ? "-" : flowLog.name,
      flowLog.service,
      flowLog.transition ?? flowLog.status,
      flowLog.regionId,
      flowLog.outputs.logService.enabled ? logServiceText(flowLog) : "-",
      flowLog.outputs.netflow.enabled ? netflowText(flowLog) : "-",
      flowLog.resourceIds.length === 0 ? "-" : flowLog.resourceIds.join(" "),
    ]),
  );
}

export function describeFlowLog(flowLog: FlowLogAnswer): string {
  const { logService, netflow } = flowLog.outputs;
  const text = formatPairs([
    ["id", flowLog.id],
    ["name", flowLog.name],
    ["description", flowLog.description],
    ["status", statusText(flowLog)],
    ["service", flowLog.service],
    ["region", flowLog.regionId],
    ...policyPairs(flowLog),
    [
      "traffic",
      `${flowLog.filter.trafficType}, ${flowLog.filter.ipVersions.map((version) => `IPv${version}`).join(" and ")}`,
    ],
    ["log service", outputText(logService.enabled, logService.project === "" ? "" : logServiceText(flowLog))],
    ["netflow", outputText(netflow.enabled, netflow.address === "" ? "" : netflowText(flowLog))],
    ["resources", flowLog.resourceIds.length === 0 ? "none" : flowLog.resourceIds.join(", ")],
    ["resource group", flowLog.resourceGroupId],
    [
      "tags",
      Object.entries(flowLog.tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(", ") || "none",
    ],
    ["created", flowLog.createdTime],
    ["updated", flowLog.updatedTime],
  ]);
  return flowLog.delivery === undefined ? text : `${text}\ndelivery\n${describeTree(flowLog.delivery)}`;
}

function statusText({ status, transition }: FlowLogAnswer): string {
  return transition === undefined
    ? status
    : `${transition}, then ${transition === "deleting" ? "gone" : status}`;
}

function policyPairs({ policy }: FlowLogAnswer): [name: string, value: string][] {
  if (policy.kind === "window") return [["window", `${policy.windowS} s`]];
  return [
    ["active timeout", `${policy.activeTimeoutS} s`],
    ["inactive timeout", `${policy.inactiveTimeoutS} s`],
  ];
}

function outputText(enabled: boolean, target: string): string {
  if (target === "") return "off";
  return enabled ? target : `off (${target})`;
}

function logServiceText({ outputs: { logService } }: FlowLogAnswer): string {
  return `${logService.project}/${logService.logstore} in ${logService.regionId}`;
}

function netflowText({ outputs: { netflow } }: FlowLogAnswer): string {
  const protocol = netflow.version === 10 ? "IPFIX" : `NetFlow v${netflow.version}`;
  return `${protocol} to ${netflow.address}:${netflow.port}`;
}
