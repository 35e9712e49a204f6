/**
 * Typed bindings of what this example uses of the provider aliyun/alicloud. There is no package of bindings for
 * it; `cdktf get` generates all of them from the provider's schema, into .gen/providers/alicloud, where the
 * classes have the same names.
 */
import { TerraformProvider, TerraformResource } from "cdktf";
import type { Construct } from "constructs";

export interface AlicloudProviderConfig {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  readonly protocol: "HTTP" | "HTTPS";
  /** Otherwise the provider asks a billing service. */
  readonly accountType: "Domestic" | "International";
  readonly skipRegionValidation: boolean;
  /** Host and port of each service, without a scheme. */
  readonly endpoints: { readonly smartag: string };
}

export class AlicloudProvider extends TerraformProvider {
  private readonly config: AlicloudProviderConfig;

  constructor(scope: Construct, id: string, config: AlicloudProviderConfig) {
    super(scope, id, {
      terraformResourceType: "alicloud",
      terraformGeneratorMetadata: { providerName: "alicloud" },
      terraformProviderSource: "aliyun/alicloud",
    });
    this.config = config;
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    const { accessKey, secretKey, region, protocol, accountType, skipRegionValidation, endpoints } =
      this.config;
    return {
      access_key: accessKey,
      secret_key: secretKey,
      region,
      protocol,
      account_type: accountType,
      skip_region_validation: skipRegionValidation,
      endpoints: [endpoints],
    };
  }
}

/** The arguments of alicloud_smartag_flow_log; what is absent has the service's default. */
export interface SmartagFlowLogConfig {
  readonly outputType: "sls" | "netflow" | "all";
  readonly flowLogName?: string;
  readonly description?: string;
  readonly slsRegionId?: string;
  readonly projectName?: string;
  readonly logstoreName?: string;
  readonly netflowServerIp?: string;
  readonly netflowServerPort?: number;
  readonly netflowVersion?: "V5" | "V9" | "V10";
  readonly activeAging?: number;
  readonly inactiveAging?: number;
  readonly status?: "Active" | "Inactive";
}

export class SmartagFlowLog extends TerraformResource {
  private readonly config: SmartagFlowLogConfig;

  constructor(scope: Construct, id: string, config: SmartagFlowLogConfig) {
    super(scope, id, {
      terraformResourceType: "alicloud_smartag_flow_log",
      terraformGeneratorMetadata: { providerName: "alicloud" },
    });
    this.config = config;
  }

  get id(): string {
    return this.getStringAttribute("id");
  }

  protected override synthesizeAttributes(): Record<string, unknown> {
    const snakeCase = (name: string): string =>
      name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
    return Object.fromEntries(Object.entries(this.config).map(([name, value]) => [snakeCase(name), value]));
  }
}
