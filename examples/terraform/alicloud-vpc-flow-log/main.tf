# A flow log of Alibaba Cloud's VPC service on a network interface, a VSwitch or a VPC of this host, and the
# data sources beside it. docs/how-to/terraform-alicloud.md says where each value is found.

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
  description = "The region of this host's resources"
  default     = "cn-shanghai"
}

variable "access_key" {}

variable "secret_key" {
  sensitive = true
}

variable "resource_type" {
  description = "NetworkInterface, VSwitch or VPC"
  default     = "NetworkInterface"
}

variable "resource_id" {
  description = "The resource's id: weir resource list"
}

variable "traffic_type" {
  description = "All, Allow or Drop"
  default     = "All"
}

variable "name" {
  default = "first"
}

variable "description" {
  default = "made by Terraform"
}

variable "aggregation_interval" {
  description = "Minutes: 1, 5 or 10"
  default     = "10"
}

variable "status" {
  description = "Active or Inactive"
  default     = "Active"
}

variable "tags" {
  type    = map(string)
  default = { team = "net" }
}

provider "alicloud" {
  access_key             = var.access_key
  secret_key             = var.secret_key
  region                 = var.region
  protocol               = "HTTP"
  account_type           = "Domestic" # otherwise the provider asks a billing service
  skip_region_validation = true

  endpoints {
    vpc = var.endpoint
  }
}

data "alicloud_vpc_flow_log_service" "open" {
  enable = "On"
}

resource "alicloud_vpc_flow_log" "first" {
  depends_on = [data.alicloud_vpc_flow_log_service.open]

  flow_log_name        = var.name
  description          = var.description
  resource_type        = var.resource_type
  resource_id          = var.resource_id
  traffic_type         = var.traffic_type
  traffic_path         = ["all"]
  ip_version           = "IPv4"
  project_name         = "weir-flows"
  log_store_name       = "vpc"
  aggregation_interval = var.aggregation_interval
  status               = var.status
  tags                 = var.tags
}

data "alicloud_vpc_flow_logs" "found" {
  ids = [alicloud_vpc_flow_log.first.id]
}

output "flow_log_id" {
  value = alicloud_vpc_flow_log.first.id
}

output "flow_log_count" {
  value = length(data.alicloud_vpc_flow_logs.found.logs)
}
