//! Members that AWS fills in and forms that it gives back instead of those that were sent: one row each. Sources: ECS API
//! reference (`TaskDefinition`, `ContainerDefinition`, `Service`, `Cluster`) and what live accounts answered in 2026.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use crate::proxy::{Call, Play, Reply};

type Object = Map<String, Value>;

/// What a row is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    Task,
    /// Each container of a task definition.
    Container,
    Service,
    Cluster,
    Repository,
}

/// A row: its name, what it is about, and the change, which tells whether the answer has that form now.
type Row = (&'static str, On, fn(&mut Object) -> bool);

fn fill(object: &mut Object, member: &str, value: Value) -> bool {
    let there = object.entry(member).or_insert_with(|| value.clone());
    if there.is_null() {
        *there = value.clone();
    }
    *there == value
}

fn part<'o>(object: &'o mut Object, member: &str) -> Option<&'o mut Object> {
    object.get_mut(member)?.as_object_mut()
}

fn items<'o>(object: &'o mut Object, member: &str) -> impl Iterator<Item = &'o mut Object> {
    object.get_mut(member).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

/// Fills every item of a list; tells whether there was one.
fn each(object: &mut Object, list: &str, fill: impl Fn(&mut Object) -> bool) -> bool {
    let filled: Vec<bool> = items(object, list).map(fill).collect();
    filled.contains(&true)
}

/// Gives a list another order, whatever order it had; tells whether there is more than one.
fn turn(object: &mut Object, list: &str) -> bool {
    let Some(items) = object.get_mut(list).and_then(Value::as_array_mut) else { return false };
    items.sort_by_key(|item| std::cmp::Reverse(item.to_string()));
    items.len() > 1
}

const ROWS: &[Row] = &[
    ("cpu and memory are texts", On::Task, |task| {
        let text = |task: &mut Object, member: &str| {
            if let Some(number) = task.get(member).and_then(Value::as_i64) {
                task.insert(member.to_owned(), json!(number.to_string()));
            }
            task.get(member).is_some_and(Value::is_string)
        };
        text(task, "cpu") & text(task, "memory")
    }),
    ("what the server computes", On::Task, |task| {
        task.insert("requiresAttributes".to_owned(), json!([{ "name": "com.amazonaws.ecs.capability.task-eni" }]));
        task.insert("registeredBy".to_owned(), json!("arn:aws:iam::123456789012:root"));
        task.insert("compatibilities".to_owned(), json!(["EC2", "FARGATE", "MANAGED_INSTANCES"]));
        true
    }),
    ("empty lists of a task definition", On::Task, |task| {
        let lists = ["placementConstraints", "inferenceAccelerators"].map(|list| fill(task, list, json!([])));
        lists.contains(&true)
    }),
    ("the operating system, where only the architecture was sent", On::Task, |task| {
        part(task, "runtimePlatform").is_some_and(|platform| fill(platform, "operatingSystemFamily", json!("LINUX")))
    }),
    ("fault injection is off", On::Task, |task| fill(task, "enableFaultInjection", json!(false))),
    ("an empty host for volumes", On::Task, |task| {
        each(task, "volumes", |volume| {
            !volume.contains_key("efsVolumeConfiguration") && fill(volume, "host", json!({}))
        })
    }),
    ("the root directory of EFS", On::Task, |task| {
        each(task, "volumes", |volume| {
            part(volume, "efsVolumeConfiguration").is_some_and(|efs| fill(efs, "rootDirectory", json!("/")))
        })
    }),
    ("the order of volumes", On::Task, |task| turn(task, "volumes")),
    ("the order of containers", On::Task, |task| turn(task, "containerDefinitions")),
    ("the type of the proxy, and the order of its properties", On::Task, |task| {
        part(task, "proxyConfiguration")
            .is_some_and(|proxy| fill(proxy, "type", json!("APPMESH")) & turn(proxy, "properties"))
    }),
    ("cpu of a container", On::Container, |container| fill(container, "cpu", json!(0))),
    ("essential", On::Container, |container| fill(container, "essential", json!(true))),
    ("the order of variables", On::Container, |container| turn(container, "environment") & turn(container, "secrets")),
    ("empty lists of a container", On::Container, |container| {
        let lists = [
            "environment",
            "environmentFiles",
            "mountPoints",
            "volumesFrom",
            "portMappings",
            "systemControls",
            "ulimits",
            "links",
            "dnsServers",
            "dnsSearchDomains",
            "extraHosts",
            "dependsOn",
            "dockerSecurityOptions",
            "credentialSpecs",
            "resourceRequirements",
            "command",
            "entryPoint",
            "secrets",
        ];
        lists.map(|list| fill(container, list, json!([]))).contains(&true)
    }),
    ("protocol and host port", On::Container, |container| {
        each(container, "portMappings", |mapping| {
            let port = mapping.get("containerPort").cloned().unwrap_or_default();
            fill(mapping, "protocol", json!("tcp")) & fill(mapping, "hostPort", port)
        })
    }),
    ("times of a health check", On::Container, |container| {
        part(container, "healthCheck").is_some_and(|health| {
            fill(health, "interval", json!(30))
                & fill(health, "timeout", json!(5))
                & fill(health, "retries", json!(3))
                & fill(health, "startPeriod", json!(0))
        })
    }),
    ("the missing half of the capabilities, devices, tmpfs", On::Container, |container| {
        part(container, "linuxParameters").is_some_and(|linux| {
            let lists = fill(linux, "devices", json!([])) & fill(linux, "tmpfs", json!([]));
            fill(linux, "capabilities", json!({ "add": [], "drop": [] }));
            lists
                & part(linux, "capabilities")
                    .is_some_and(|caps| fill(caps, "add", json!([])) | fill(caps, "drop", json!([])))
        })
    }),
    ("version consistency", On::Container, |container| fill(container, "versionConsistency", json!("enabled"))),
    ("no secrets for the log driver", On::Container, |container| {
        part(container, "logConfiguration").is_some_and(|logs| fill(logs, "secretOptions", json!([])))
    }),
    ("no labels", On::Container, |container| fill(container, "dockerLabels", json!({}))),
    ("switches that are off", On::Container, |container| {
        let off = ["privileged", "interactive", "pseudoTerminal", "readonlyRootFilesystem", "disableNetworking"];
        off.map(|switch| fill(container, switch, json!(false))).contains(&true)
    }),
    ("the restart policy", On::Container, |container| {
        part(container, "restartPolicy").is_some_and(|restart| {
            fill(restart, "ignoredExitCodes", json!([])) & fill(restart, "restartAttemptPeriod", json!(300))
        })
    }),
    ("a member of next year", On::Container, |container| fill(container, "attestation", json!({ "mode": "off" }))),
    ("the whole deployment configuration", On::Service, |service| {
        service.entry("deploymentConfiguration").or_insert_with(|| json!({}));
        part(service, "deploymentConfiguration").is_some_and(|deployment| {
            fill(deployment, "deploymentCircuitBreaker", json!({ "enable": false, "rollback": false }));
            let breaker = part(deployment, "deploymentCircuitBreaker").is_some_and(|breaker| {
                let threshold = json!({ "type": "BOUNDED_PERCENT", "value": 50 });
                fill(breaker, "resetOnHealthyTask", json!(true)) & fill(breaker, "thresholdConfiguration", threshold)
            });
            breaker
                & fill(deployment, "strategy", json!("ROLLING"))
                & fill(deployment, "bakeTimeInMinutes", json!(0))
                & fill(deployment, "maximumPercent", json!(200))
                & fill(deployment, "minimumHealthyPercent", json!(100))
                & fill(deployment, "alarms", json!({ "alarmNames": [], "enable": false, "rollback": false }))
        })
    }),
    ("the deployment controller", On::Service, |service| {
        fill(service, "deploymentController", json!({ "type": "ECS" }))
    }),
    ("the scheduling strategy", On::Service, |service| fill(service, "schedulingStrategy", json!("REPLICA"))),
    ("the platform by its number", On::Service, |service| {
        service.insert("platformVersion".to_owned(), json!("1.4.0"));
        service.insert("platformFamily".to_owned(), json!("Linux"));
        true
    }),
    ("grace period, exec, managed tags, propagated tags", On::Service, |service| {
        fill(service, "healthCheckGracePeriodSeconds", json!(0))
            & fill(service, "enableExecuteCommand", json!(false))
            & fill(service, "enableECSManagedTags", json!(false))
            & fill(service, "propagateTags", json!("NONE"))
    }),
    ("rebalancing between zones", On::Service, |service| {
        fill(service, "availabilityZoneRebalancing", json!("ENABLED"))
    }),
    ("the network: order, no public address", On::Service, |service| {
        part(service, "networkConfiguration").and_then(|network| part(network, "awsvpcConfiguration")).is_some_and(
            |vpc| fill(vpc, "assignPublicIp", json!("DISABLED")) & turn(vpc, "subnets") & turn(vpc, "securityGroups"),
        )
    }),
    ("weight, base and order of the capacity", On::Service, |service| {
        each(service, "capacityProviderStrategy", |item| fill(item, "weight", json!(0)) | fill(item, "base", json!(0)))
            & turn(service, "capacityProviderStrategy")
    }),
    ("empty lists of a service", On::Service, |service| {
        let lists = ["placementConstraints", "placementStrategy", "loadBalancers", "serviceRegistries"];
        lists.map(|list| fill(service, list, json!([]))).contains(&true)
    }),
    ("the role of ECS", On::Service, |service| {
        let arn = "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
        service.insert("roleArn".to_owned(), json!(arn));
        true
    }),
    ("who made it, and what it does", On::Service, |service| {
        service.insert("createdBy".to_owned(), json!("arn:aws:iam::123456789012:root"));
        service.insert("resourceManagementType".to_owned(), json!("CUSTOMER"));
        service.insert(
            "events".to_owned(),
            json!([{ "id": "1", "message": "(service web) has reached a steady state." }]),
        );
        true
    }),
    ("the name in Cloud Map", On::Service, |service| {
        each(service, "deployments", |deployment| {
            part(deployment, "serviceConnectConfiguration").is_some_and(|connect| {
                each(connect, "services", |item| {
                    let port = item.get("portName").cloned().unwrap_or_default();
                    fill(item, "discoveryName", port)
                })
            })
        })
    }),
    ("the file system of volumes", On::Service, |service| {
        each(service, "deployments", |deployment| {
            each(deployment, "volumeConfigurations", |volume| {
                part(volume, "managedEBSVolume").is_some_and(|ebs| fill(ebs, "filesystemType", json!("xfs")))
            })
        })
    }),
    ("settings of a cluster", On::Cluster, |cluster| {
        cluster.insert("settings".to_owned(), json!([{ "name": "containerInsights", "value": "disabled" }]));
        true
    }),
    ("the account's own key of a repository", On::Repository, |repository| {
        part(repository, "encryptionConfiguration").is_some_and(|encryption| {
            encryption.get("encryptionType") == Some(&json!("KMS")) && {
                let key = "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
                encryption.insert("kmsKey".to_owned(), json!(key));
                true
            }
        })
    }),
];

/// Fills in everything that AWS fills in.
#[derive(Debug, Default)]
pub struct Defaults {
    shown: Mutex<BTreeSet<&'static str>>,
}

impl Defaults {
    /// The rows that no answer has shown yet.
    pub fn unseen(&self) -> Vec<&'static str> {
        let shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        ROWS.iter().map(|row| row.0).filter(|row| !shown.contains(row)).collect()
    }

    fn apply(&self, on: On, object: &mut Object) {
        for (name, of, change) in ROWS {
            if *of == on && change(object) {
                self.shown.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
            }
        }
    }
}

impl Play for Defaults {
    fn after(&self, call: &Call, reply: &mut Reply) {
        let on = match (call.service.as_str(), call.action.as_str()) {
            ("ecs", "RegisterTaskDefinition" | "DescribeTaskDefinition") => On::Task,
            ("ecs", "CreateService" | "UpdateService" | "DescribeServices") => On::Service,
            ("ecs", "CreateCluster" | "DescribeClusters") => On::Cluster,
            ("ecr", "CreateRepository" | "DescribeRepositories") => On::Repository,
            _ => return,
        };
        let mut answer = reply.json();
        let Some(members) = answer.as_object_mut().filter(|_| reply.is_success()) else { return };
        let (one, many) = match on {
            On::Task | On::Container => ("taskDefinition", "taskDefinitions"),
            On::Service => ("service", "services"),
            On::Cluster => ("cluster", "clusters"),
            On::Repository => ("repository", "repositories"),
        };
        if let Some(object) = part(members, one) {
            self.apply(on, object);
            items(object, "containerDefinitions").for_each(|container| self.apply(On::Container, container));
        }
        items(members, many).for_each(|object| self.apply(on, object));
        reply.body = Bytes::from(answer.to_string());
    }
}
