/** Policies that every account has and nobody can change, under the names that the cloud's have. */

interface SystemPolicy {
  readonly name: string;
  readonly description: string;
  readonly actions: readonly string[];
}

const table: readonly SystemPolicy[] = [
  { name: "AdministratorAccess", description: "Everything", actions: ["*"] },
  {
    name: "ReadOnlyAccess",
    description: "Reading of everything",
    actions: ["*:Describe*", "*:List*", "*:Get*", "*:*:get*", "*:*:list*"],
  },
  {
    name: "AliyunSmartAccessGatewayFullAccess",
    description: "Everything of Smart Access Gateway",
    actions: ["smartag:*"],
  },
  {
    name: "AliyunSmartAccessGatewayReadOnlyAccess",
    description: "Reading of Smart Access Gateway",
    actions: ["smartag:Describe*", "smartag:List*", "smartag:Get*"],
  },
  { name: "AliyunVPCFullAccess", description: "Everything of the VPC service", actions: ["vpc:*"] },
  {
    name: "AliyunVPCReadOnlyAccess",
    description: "Reading of the VPC service",
    actions: ["vpc:Describe*", "vpc:List*", "vpc:Get*"],
  },
  { name: "AliyunLogFullAccess", description: "Everything of the log service", actions: ["log:*"] },
  {
    name: "AliyunLogReadOnlyAccess",
    description: "Reading of the log service",
    actions: ["log:Get*", "log:List*"],
  },
  { name: "AliyunSTSAssumeRoleAccess", description: "Assuming of roles", actions: ["sts:AssumeRole"] },
];

export const systemPolicies: readonly { name: string; description: string; document: string }[] = table.map(
  ({ name, description, actions }) => ({
    name,
    description,
    document: JSON.stringify({
      Version: "1",
      Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }],
    }),
  }),
);
