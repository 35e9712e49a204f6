/**
 * A flow log of Alibaba Cloud's Smart Access Gateway by CDK for Terraform.
 *
 *     npm install
 *     WEIR_ENDPOINT=127.0.0.1:8080 WEIR_ACCESS_KEY_ID=… WEIR_ACCESS_KEY_SECRET=… npm run synth
 *     cd cdktf.out/stacks/weir && terraform init && terraform apply
 *
 * Node.js 22.18 and later run it as it is.
 */
/* eslint-disable no-new -- what is made adds itself to its scope */
import { App, TerraformOutput, TerraformStack } from "cdktf";

import { AlicloudProvider, SmartagFlowLog } from "./alicloud.ts";

const region = process.env["WEIR_REGION"] ?? "cn-shanghai";

const app = new App();
const stack = new TerraformStack(app, "weir");
new AlicloudProvider(stack, "alicloud", {
  accessKey: required("WEIR_ACCESS_KEY_ID"),
  secretKey: required("WEIR_ACCESS_KEY_SECRET"),
  region,
  protocol: "HTTP",
  accountType: "Domestic",
  skipRegionValidation: true,
  endpoints: { smartag: process.env["WEIR_ENDPOINT"] ?? "127.0.0.1:8080" },
});
const flowLog = new SmartagFlowLog(stack, "example", {
  flowLogName: "example_value",
  outputType: "all",
  slsRegionId: region,
  projectName: "weir-flows",
  logstoreName: "gateway",
  netflowServerIp: "127.0.0.1",
  netflowServerPort: 9995,
});
new TerraformOutput(stack, "flow_log_id", { value: flowLog.id });
app.synth();

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") throw new Error(`set ${name}`);
  return value;
}
