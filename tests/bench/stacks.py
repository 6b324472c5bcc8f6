"""The stack that is measured, written for each tool: one OIDC provider, one cluster, one security group, an execution role and
a deploy role with a policy of seven statements; and for each service its own repository, log group, task role, task
definition and service.

Only what both emulators answer as AWS does is used, so that every tool can reach an empty plan: no circuit breaker and no
capacity strategy, which moto forgets.
"""

import json

ACCOUNT = "123456789012"
REGION = "us-west-2"
IMAGE = "public.ecr.aws/docker/library/nginx:1.27-alpine"
NEW_IMAGE = "public.ecr.aws/docker/library/nginx:1.28-alpine"

_ISSUER = "token.actions.githubusercontent.com"


def names(services):
    """The names of the services, `papyrus-001` onwards."""
    return [f"papyrus-{n:03}" for n in range(1, services + 1)]


def _tasks_trust():
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }


def _github_trust():
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{_ISSUER}"},
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Condition": {
                    "StringEquals": {f"{_ISSUER}:aud": "sts.amazonaws.com"},
                    "StringLike": {
                        f"{_ISSUER}:sub": [
                            "repo:acme/papyrus:ref:refs/heads/main",
                            "repo:acme/papyrus:ref:refs/tags/v*.*.*",
                        ]
                    },
                },
            }
        ],
    }


def _deploy_policy():
    """Names end in a wildcard, so that the policy has the same size for one service and for a hundred."""
    ecs = f"arn:aws:ecs:{REGION}:{ACCOUNT}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Login", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*"},
            {
                "Sid": "Push",
                "Effect": "Allow",
                "Action": [
                    "ecr:BatchCheckLayerAvailability",
                    "ecr:BatchGetImage",
                    "ecr:CompleteLayerUpload",
                    "ecr:InitiateLayerUpload",
                    "ecr:PutImage",
                    "ecr:UploadLayerPart",
                ],
                "Resource": f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/papyrus-*",
            },
            {
                "Sid": "Look",
                "Effect": "Allow",
                "Action": ["ecs:DescribeClusters", "ecs:DescribeServices"],
                "Resource": [f"{ecs}:cluster/papyrus", f"{ecs}:service/papyrus/papyrus-*"],
            },
            {"Sid": "LookAtDefinition", "Effect": "Allow", "Action": "ecs:DescribeTaskDefinition", "Resource": "*"},
            {"Sid": "Register", "Effect": "Allow", "Action": "ecs:RegisterTaskDefinition", "Resource": "*"},
            {
                "Sid": "Deploy",
                "Effect": "Allow",
                "Action": "ecs:UpdateService",
                "Resource": f"{ecs}:service/papyrus/papyrus-*",
            },
            {
                "Sid": "Pass",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": [
                    f"arn:aws:iam::{ACCOUNT}:role/papyrus-execution",
                    f"arn:aws:iam::{ACCOUNT}:role/papyrus-*-task",
                ],
                "Condition": {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}},
            },
        ],
    }


def hatoba(services, image=IMAGE):
    """The stack as a hatoba file. The first service runs `image`, the others `IMAGE`."""
    each = names(services)
    role = {"trust": {"service": "ecs-tasks.amazonaws.com"}}
    stack = {
        "stack": "papyrus",
        "region": REGION,
        "tags": {"project": "portfolio"},
        "oidc_providers": {"github": {"url": f"https://{_ISSUER}", "client_ids": ["sts.amazonaws.com"]}},
        "roles": {
            "papyrus-execution": role | {"managed_policies": ["service-role/AmazonECSTaskExecutionRolePolicy"]},
            "papyrus-deploy": {"trust": _github_trust(), "inline_policies": {"deploy": _deploy_policy()}},
        }
        | {f"{name}-task": role for name in each},
        "repositories": {
            name: {"mutability": "mutable", "encryption": "AES256", "scan_on_push": True, "on_destroy": "empty"}
            for name in each
        },
        "log_groups": {f"/ecs/{name}": {"retention_days": 14} for name in each},
        "clusters": {"papyrus": {}},
        "security_groups": {
            "papyrus": {"description": "papyrus service", "ingress": [{"port": 5000, "from": ["0.0.0.0/0"]}]}
        },
        "task_definitions": {
            name: {
                "cpu": 256,
                "memory": 512,
                "architecture": "arm64",
                "execution_role": "papyrus-execution",
                "task_role": f"{name}-task",
                "containers": {
                    "app": {
                        "image": image if name == each[0] else IMAGE,
                        "ports": [5000],
                        "environment": {"LOG_LEVEL": "info"},
                        "logs": f"/ecs/{name}",
                    }
                },
            }
            for name in each
        },
        "services": {
            name: {
                "cluster": "papyrus",
                "task_definition": name,
                "desired_count": 1,
                "network": {"subnets": "default", "public_ip": True, "security_groups": ["papyrus"]},
            }
            for name in each
        },
    }
    return "\n".join(_yaml(stack)) + "\n"


def _yaml(value, indent=0):
    """Block style down to the leaves, as a person writes it. Scalars are JSON, which is YAML as well."""
    pad = "  " * indent
    for key, item in value.items():
        name = key if key.replace("-", "").replace("_", "").isalnum() else json.dumps(key)
        if isinstance(item, dict) and item:
            yield f"{pad}{name}:"
            yield from _yaml(item, indent + 1)
        else:
            yield f"{pad}{name}: {json.dumps(item)}"


def terraform(services):
    """The stack as a Terraform configuration; the image of the first service is the variable `image`."""
    return _HCL % {
        "region": REGION,
        "services": json.dumps(names(services)),
        "first": names(services)[0],
        "image": IMAGE,
        "issuer": _ISSUER,
        "tasks_trust": json.dumps(_tasks_trust(), indent=2),
        "github_trust": json.dumps(_github_trust(), indent=2),
        "deploy_policy": json.dumps(_deploy_policy(), indent=2),
    }


_HCL = """terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region = "%(region)s"
  default_tags { tags = { project = "portfolio" } }
}

variable "image" { default = "%(image)s" }

locals {
  services = toset(%(services)s)
  tasks_trust = jsonencode(%(tasks_trust)s)
}

data "aws_vpc" "default" { default = true }

data "aws_subnets" "default" {
  filter {
    name   = "vpc-id"
    values = [data.aws_vpc.default.id]
  }
}

resource "aws_iam_openid_connect_provider" "github" {
  url            = "https://%(issuer)s"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "execution" {
  name               = "papyrus-execution"
  assume_role_policy = local.tasks_trust
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role" "deploy" {
  name               = "papyrus-deploy"
  assume_role_policy = jsonencode(%(github_trust)s)
  depends_on         = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "deploy" {
  name   = "deploy"
  role   = aws_iam_role.deploy.name
  policy = jsonencode(%(deploy_policy)s)
}

resource "aws_iam_role" "task" {
  for_each           = local.services
  name               = "${each.key}-task"
  assume_role_policy = local.tasks_trust
}

resource "aws_ecr_repository" "this" {
  for_each     = local.services
  name         = each.key
  force_delete = true
  image_scanning_configuration { scan_on_push = true }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = local.services
  name              = "/ecs/${each.key}"
  retention_in_days = 14
}

resource "aws_ecs_cluster" "this" { name = "papyrus" }

resource "aws_security_group" "this" {
  name        = "papyrus"
  description = "papyrus service"
  vpc_id      = data.aws_vpc.default.id

  ingress {
    from_port   = 5000
    to_port     = 5000
    protocol    = "tcp"
    cidr_blocks = ["0.0.0.0/0"]
  }

  egress {
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each                 = local.services
  family                   = each.key
  network_mode             = "awsvpc"
  requires_compatibilities = ["FARGATE"]
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task[each.key].arn

  runtime_platform {
    cpu_architecture        = "ARM64"
    operating_system_family = "LINUX"
  }

  container_definitions = jsonencode([{
    name         = "app"
    image        = each.key == "%(first)s" ? var.image : "%(image)s"
    essential    = true
    portMappings = [{ containerPort = 5000, hostPort = 5000, protocol = "tcp" }]
    environment  = [{ name = "LOG_LEVEL", value = "info" }]
    # What AWS fills in. Left out, no plan would be empty.
    versionConsistency = "enabled"
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.this[each.key].name
        "awslogs-region"        = "%(region)s"
        "awslogs-stream-prefix" = "ecs"
      }
    }
  }])
}

resource "aws_ecs_service" "this" {
  for_each        = local.services
  name            = each.key
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.this[each.key].arn
  desired_count   = 1
  launch_type     = "FARGATE"

  network_configuration {
    subnets          = data.aws_subnets.default.ids
    security_groups  = [aws_security_group.this.id]
    assign_public_ip = true
  }

  # The emulator does not answer it; without this line no plan would ever be empty.
  lifecycle { ignore_changes = [availability_zone_rebalancing] }
}
"""
