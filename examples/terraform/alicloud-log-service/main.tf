# A project and a logstore of Alibaba Cloud's Log Service, for flow logs to deliver to. The provider calls them by
# https at <project>.<endpoint>: docs/how-to/terraform-alicloud.md says what that needs.

terraform {
  required_providers {
    alicloud = { source = "aliyun/alicloud" }
  }
}

variable "endpoint" {
  description = "A name of Weir, without a scheme, below which every name is Weir too"
  default     = "localhost:8080"
}

variable "region" {
  default = "cn-shanghai"
}

variable "access_key" {}

variable "secret_key" {
  sensitive = true
}

variable "description" {
  default = "made by Terraform"
}

variable "retention_days" {
  default = 30
}

provider "alicloud" {
  access_key             = var.access_key
  secret_key             = var.secret_key
  region                 = var.region
  protocol               = "HTTPS"
  account_type           = "Domestic" # otherwise the provider asks a billing service
  skip_region_validation = true

  endpoints {
    log = var.endpoint
  }
}

resource "alicloud_log_project" "flows" {
  project_name = "weir-flows"
  description  = var.description
}

resource "alicloud_log_store" "flows" {
  project_name     = alicloud_log_project.flows.project_name
  logstore_name    = "flows"
  retention_period = var.retention_days
}

output "logstore_id" {
  value = alicloud_log_store.flows.id
}
