# A flow log of Huawei Cloud's VPC service on a port, a network or a VPC of this host, with the log group and
# stream that it delivers to. docs/how-to/terraform-huawei.md says where each value is found.

terraform {
  required_providers {
    huaweicloud = { source = "huaweicloud/huaweicloud" }
  }
}

variable "endpoint" {
  description = "Address of Weir"
  default     = "http://127.0.0.1:8080"
}

variable "region" {
  description = "Any region that Weir has for Huawei Cloud; each is a project of its own"
  default     = "cn-north-4"
}

variable "access_key" {}

variable "secret_key" {
  sensitive = true
}

variable "resource_type" {
  description = "port, network or vpc"
  default     = "port"
}

variable "resource_id" {
  description = "The resource's UUID: weir resource list --json"
}

variable "traffic_type" {
  description = "all, accept or reject"
  default     = "all"
}

variable "name" {
  default = "first"
}

variable "retention_days" {
  default = 7
}

variable "enabled" {
  default = true
}

provider "huaweicloud" {
  region                  = var.region
  access_key              = var.access_key
  secret_key              = var.secret_key
  auth_url                = "${var.endpoint}/v3"
  skip_check_website_type = true
  endpoints = {
    iam = "${var.endpoint}/"
    vpc = "${var.endpoint}/"
    lts = "${var.endpoint}/"
  }
}

resource "huaweicloud_lts_group" "flows" {
  group_name  = "weir-flows"
  ttl_in_days = var.retention_days
}

resource "huaweicloud_lts_stream" "flows" {
  group_id    = huaweicloud_lts_group.flows.id
  stream_name = "flows"
}

resource "huaweicloud_vpc_flow_log" "first" {
  name          = var.name
  description   = "made by Terraform"
  resource_type = var.resource_type
  resource_id   = var.resource_id
  traffic_type  = var.traffic_type
  log_group_id  = huaweicloud_lts_group.flows.id
  log_stream_id = huaweicloud_lts_stream.flows.id
  enabled       = var.enabled
}

data "huaweicloud_vpc_flow_logs" "all" {
  depends_on = [huaweicloud_vpc_flow_log.first]
}

output "flow_log_id" {
  value = huaweicloud_vpc_flow_log.first.id
}

output "log_group_id" {
  value = huaweicloud_lts_group.flows.id
}

output "log_stream_import_id" {
  value = "${huaweicloud_lts_group.flows.id}/${huaweicloud_lts_stream.flows.id}"
}

output "flow_log_count" {
  value = length(data.huaweicloud_vpc_flow_logs.all.flow_logs)
}
