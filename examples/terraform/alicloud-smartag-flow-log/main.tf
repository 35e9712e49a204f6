# A flow log of Alibaba Cloud's Smart Access Gateway. The provider has no resource that binds it to a gateway:
# `weir flow-log associate` does. docs/how-to/terraform-alicloud.md says where each value is found.

terraform {
  required_providers {
    alicloud = { source = "aliyun/alicloud" }
  }
}

variable "endpoint" {
  description = "Address of Weir, without a scheme"
  default     = "127.0.0.1:8080"
}

variable "region" {
  default = "cn-shanghai"
}

variable "access_key" {}

variable "secret_key" {
  sensitive = true
}

variable "name" {
  default = "first"
}

variable "description" {
  default = "made by Terraform"
}

variable "output_type" {
  description = "sls, netflow or all"
  default     = "all"
}

variable "logstore_name" {
  default = "gateway"
}

variable "netflow_server_ip" {
  description = "Address of the NetFlow collector"
  default     = "127.0.0.1"
}

variable "netflow_server_port" {
  default = 9995
}

variable "netflow_version" {
  description = "V5, V9 or V10"
  default     = "V9"
}

variable "active_aging" {
  description = "Seconds after which a flow that lasts is cut"
  default     = 300
}

variable "inactive_aging" {
  description = "Seconds of silence after which a flow ends"
  default     = 15
}

variable "status" {
  description = "Active or Inactive"
  default     = "Active"
}

provider "alicloud" {
  access_key             = var.access_key
  secret_key             = var.secret_key
  region                 = var.region
  protocol               = "HTTP"
  account_type           = "Domestic" # otherwise the provider asks a billing service
  skip_region_validation = true

  endpoints {
    smartag = var.endpoint
  }
}

resource "alicloud_smartag_flow_log" "first" {
  flow_log_name       = var.name
  description         = var.description
  output_type         = var.output_type
  sls_region_id       = var.region
  project_name        = "weir-flows"
  logstore_name       = var.logstore_name
  netflow_server_ip   = var.netflow_server_ip
  netflow_server_port = var.netflow_server_port
  netflow_version     = var.netflow_version
  active_aging        = var.active_aging
  inactive_aging      = var.inactive_aging
  status              = var.status
}

data "alicloud_smartag_flow_logs" "found" {
  ids = [alicloud_smartag_flow_log.first.id]
}

output "flow_log_id" {
  value = alicloud_smartag_flow_log.first.id
}

output "flow_log_count" {
  value = length(data.alicloud_smartag_flow_logs.found.logs)
}
