# A flow log of Open Telekom Cloud's VPC service on a port, a network or a VPC of this host, with the log
# group and topic that it delivers to. docs/how-to/opentelekomcloud.md says where each value is found.

terraform {
  required_providers {
    opentelekomcloud = { source = "opentelekomcloud/opentelekomcloud" }
  }
}

variable "endpoint" {
  description = "Address of Weir"
  default     = "http://127.0.0.1:8080"
}

variable "region" {
  description = "Any region that Weir has for Open Telekom Cloud; each is a project of its own"
  default     = "eu-de"
}

variable "domain_name" {
  description = "The account's name"
  default     = "default"
}

variable "user_name" {
  description = "A user's name, the account's own, or the id of an access key"
  default     = "default"
}

variable "password" {
  description = "The secret of an access key of that user"
  sensitive   = true
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

provider "opentelekomcloud" {
  auth_url    = "${var.endpoint}/v3"
  region      = var.region
  tenant_name = var.region
  domain_name = var.domain_name
  user_name   = var.user_name
  password    = var.password
}

resource "opentelekomcloud_logtank_group_v2" "flows" {
  group_name  = "weir-flows"
  ttl_in_days = var.retention_days
}

resource "opentelekomcloud_logtank_topic_v2" "flows" {
  group_id   = opentelekomcloud_logtank_group_v2.flows.id
  topic_name = "flows"
}

resource "opentelekomcloud_vpc_flow_log_v1" "first" {
  name          = var.name
  description   = "made by Terraform"
  resource_type = var.resource_type
  resource_id   = var.resource_id
  traffic_type  = var.traffic_type
  log_group_id  = opentelekomcloud_logtank_group_v2.flows.id
  log_topic_id  = opentelekomcloud_logtank_topic_v2.flows.id
}

output "flow_log_id" {
  value = opentelekomcloud_vpc_flow_log_v1.first.id
}

output "log_group_id" {
  value = opentelekomcloud_logtank_group_v2.flows.id
}

output "log_topic_import_id" {
  value = "${opentelekomcloud_logtank_group_v2.flows.id}/${opentelekomcloud_logtank_topic_v2.flows.id}"
}
