//! Task definitions.

use serde_json::{Map, Value as Json, json};

use super::{Make, members};

/// What the containers of a task share.
struct Task {
    execution: bool,
    task_role: bool,
    efs: bool,
    scratch: bool,
    router: bool,
}

impl Make<'_> {
    pub(super) fn task_definition(&mut self) -> Map<String, Json> {
        let sizes = [
            (json!(256), json!(512)),
            (json!("0.25 vCPU"), json!("1 GB")),
            (json!(512), json!(2048)),
            (json!(1024), json!("2 GB")),
            (json!(2048), json!(5120)),
        ];
        let (cpu, memory) = self.rng.pick(&sizes);
        let execution = self.role_of(80);
        let task_role = self.role_of(40);
        let task = Task {
            execution: execution.is_some(),
            task_role: task_role.is_some(),
            efs: self.rng.chance(15),
            scratch: self.rng.chance(20),
            router: self.rng.chance(8),
        };
        let names = &["app", "side", "z-job"][..1 + self.rng.below(3)];
        let mut containers = Map::new();
        for (number, name) in names.iter().enumerate() {
            let container = self.container(number, &task, &containers);
            containers.insert((*name).to_owned(), Json::Object(container));
        }
        if task.router {
            containers.insert("router".to_owned(), json!({ "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:stable", "firelens": { "type": "fluentbit" }, "essential": false }));
        }
        let mut volumes = Map::new();
        if task.scratch {
            volumes.insert("scratch".to_owned(), json!({}));
        }
        if task.efs {
            volumes.insert("data".to_owned(), self.efs(&task));
        }
        if self.rng.chance(5) && !self.emulator() && !self.keys("roles").is_empty() {
            volumes.insert("launch".to_owned(), json!("configured_at_launch"));
        }
        let proxy = json!({ "proxyConfiguration": { "type": "APPMESH", "containerName": "app", "properties": [{ "name": "AppPorts", "value": "3000" }] } });
        members([
            ("cpu", Some(cpu)),
            ("memory", Some(memory)),
            ("architecture", self.rng.chance(40).then(|| json!(self.rng.pick(&["arm64", "x86_64", "X86_64"])))),
            ("os", self.rng.chance(10).then(|| json!("linux"))),
            ("execution_role", execution),
            ("task_role", task_role),
            ("ephemeral_storage", self.rng.chance(10).then(|| json!(21 + self.rng.below(30)))),
            ("volumes", (!volumes.is_empty()).then_some(Json::Object(volumes))),
            ("pid_mode", self.rng.chance(5).then(|| json!("task"))),
            ("fault_injection", (self.rng.chance(5) && !self.emulator()).then(|| json!(true))),
            ("containers", Some(Json::Object(containers))),
            ("extra", self.rng.chance(5).then_some(proxy)),
        ])
    }

    /// A role of the stack, or one outside of it.
    fn role_of(&mut self, percent: usize) -> Option<Json> {
        if !self.rng.chance(percent) {
            return None;
        }
        let roles: Vec<String> = self.keys("roles").into_iter().filter(|key| !key.contains("-deploy")).collect();
        if roles.is_empty() || self.rng.chance(10) {
            // On an emulator the account is another one each time.
            let arn = (!self.emulator()).then(|| json!("arn:aws:iam::123456789012:role/path/theirs"));
            let theirs: Vec<Json> = std::iter::once(json!({ "existing": "theirs" })).chain(arn).collect();
            return Some(self.rng.pick(&theirs));
        }
        let role = self.rng.pick(&roles);
        self.refs.insert(("roles", role.clone()));
        Some(json!(role))
    }

    fn efs(&mut self, task: &Task) -> Json {
        match self.rng.below(3) {
            0 => json!({ "efs": { "file_system": "fs-0123456789abcdef0" } }),
            1 => {
                json!({ "efs": { "file_system": "fs-0123456789abcdef0", "root_directory": "/srv", "transit_encryption": true, "transit_encryption_port": 2999 } })
            }
            _ => {
                json!({ "efs": { "file_system": "fs-0123456789abcdef0", "transit_encryption": true, "access_point": "fsap-0123456789abcdef0", "iam": task.task_role } })
            }
        }
    }

    fn container(&mut self, number: usize, task: &Task, before: &Map<String, Json>) -> Map<String, Json> {
        let mut container = members([
            ("image", Some(self.image(task))),
            (
                "command",
                self.rng
                    .chance(20)
                    .then(|| json!(self.rng.pick(&[json!(["serve", 1, true]), json!(["sh", "-c", "echo \"a b\""])]))),
            ),
            ("entry_point", self.rng.chance(10).then(|| json!(["/bin/sh", "-c"]))),
            ("cpu", self.rng.chance(20).then(|| json!(64))),
            ("memory", self.rng.chance(20).then(|| json!(128))),
            ("memory_reservation", self.rng.chance(20).then(|| json!(64))),
            ("essential", (number > 0 && self.rng.chance(50)).then(|| json!(false))),
            ("ports", self.ports(number)),
            ("environment", self.environment()),
            ("health_check", self.health_check()),
            ("depends_on", self.depends_on(before)),
            ("user", self.rng.chance(10).then(|| self.rng.pick(&[json!(1000), json!("app:app")]))),
            ("working_directory", self.rng.chance(10).then(|| json!("/srv"))),
            ("read_only_root_filesystem", self.rng.chance(10).then(|| json!(self.rng.chance(70)))),
            ("stop_timeout", self.rng.chance(15).then(|| json!(self.rng.below(121)))),
            ("start_timeout", self.rng.chance(10).then(|| json!(60))),
            ("ulimits", self.rng.chance(10).then(|| json!({ "nofile": { "soft": 1024, "hard": 65_535 } }))),
            (
                "linux",
                self.rng.chance(10).then(|| {
                    self.rng.pick(&[json!({ "init": true }), json!({ "capabilities": { "drop": ["NET_RAW", "ALL"] } })])
                }),
            ),
            ("docker_labels", self.rng.chance(10).then(|| json!({ "team": "wharf", "1": 2 }))),
            ("interactive", self.rng.chance(5).then(|| json!(true))),
            ("tty", self.rng.chance(5).then(|| json!(false))),
            ("system_controls", self.rng.chance(5).then(|| json!({ "net.ipv4.tcp_keepalive_time": 500 }))),
            (
                "restart",
                self.rng
                    .chance(10)
                    .then(|| self.rng.pick(&[json!(true), json!({ "attempt_period": 60, "ignored_exit_codes": [0] })])),
            ),
            ("version_consistency", self.rng.chance(5).then(|| json!("disabled"))),
        ]);
        let mut mounts = Vec::new();
        if task.scratch {
            mounts.push(json!({ "volume": "scratch", "path": "/scratch" }));
        }
        if task.efs {
            mounts.push(json!({ "volume": "data", "path": "/data", "read_only": self.rng.chance(50) }));
        }
        if !mounts.is_empty() {
            container.insert("mounts".to_owned(), json!(mounts));
        }
        if task.execution {
            if self.rng.chance(30) {
                let secrets = json!({ "DB_URL": "ssm:/papyrus/db-url", "API_KEY": "secretsmanager:papyrus:key::" });
                container.insert("secrets".to_owned(), secrets);
            }
            if let Some(logs) = self.logs(task) {
                container.insert("logs".to_owned(), logs);
            }
        }
        container
    }

    fn image(&mut self, task: &Task) -> Json {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        match self.rng.below(10) {
            0..4 => json!(self.rng.pick(&[
                "nginx:alpine",
                "public.ecr.aws/docker/library/nginx:1.27",
                "ghcr.io/acme/papyrus:v1"
            ])),
            4 => json!({ "live": true, "bootstrap": "nginx:alpine" }),
            _ if !task.execution => json!(format!("nginx@{digest}")),
            _ => match self.refer("repositories") {
                None => json!({ "repository": { "existing": "theirs" }, "tag": 7 }),
                Some(repository) => match self.rng.below(4) {
                    0 => json!({ "repository": repository }),
                    1 => json!({ "repository": repository, "tag": "v1.10" }),
                    2 => json!({ "repository": repository, "digest": digest }),
                    _ => json!({ "repository": repository, "live": true, "bootstrap": "nginx:alpine" }),
                },
            },
        }
    }

    fn ports(&mut self, number: usize) -> Option<Json> {
        let first = 3000 + 100 * number;
        let mut ports = Vec::new();
        if self.rng.chance(60) {
            ports.push(json!(first));
        }
        if self.rng.chance(20) {
            ports.push(json!({ "port": first + 1, "name": format!("port-{number}"), "app_protocol": self.rng.pick(&["http", "grpc"]) }));
        }
        if self.rng.chance(10) {
            ports.push(json!({ "port": first + 2, "protocol": "udp" }));
        }
        if self.rng.chance(10) {
            ports.push(json!(format!("{}-{}", first + 50, first + 59)));
        }
        (!ports.is_empty()).then(|| json!(ports))
    }

    fn environment(&mut self) -> Option<Json> {
        if self.rng.chance(30) {
            return None;
        }
        let mut environment = Map::new();
        for name in self.rng.some(&["LOG_LEVEL", "PORT", "EMPTY", "WHERE", "ROLE", "TEXT"], 50) {
            let value = match name {
                "LOG_LEVEL" => json!("${var.level}"),
                "PORT" => json!(self.rng.pick(&[3000, 8080])),
                "EMPTY" => json!(""),
                "WHERE" => json!("https://${region}.console.aws.amazon.com/${account}/${stack}"),
                "ROLE" => match self.keys("roles").into_iter().find(|key| !key.contains("-deploy")) {
                    Some(role) => {
                        self.refs.insert(("roles", role.clone()));
                        json!(format!("${{roles.{role}.arn}}"))
                    }
                    None => json!("none"),
                },
                _ => json!(self.rng.pick(&["a\nb", "$${literal}", "yes", "0x10", " led ", "ünï"])),
            };
            environment.insert(name.to_owned(), value);
        }
        Some(Json::Object(environment))
    }

    fn health_check(&mut self) -> Option<Json> {
        self.rng.chance(25).then(|| {
            let checks = [
                json!({ "command": "curl -fsS localhost:3000 || exit 1" }),
                json!({ "command": ["CMD", "/check", "-v"], "interval": 10, "timeout": 3, "retries": 5, "start_period": 20 }),
            ];
            self.rng.pick(&checks)
        })
    }

    fn depends_on(&mut self, before: &Map<String, Json>) -> Option<Json> {
        let names: Vec<String> = before.keys().cloned().collect();
        if names.is_empty() || self.rng.chance(60) {
            return None;
        }
        if self.rng.chance(40) {
            return Some(json!(names));
        }
        let conditions: Map<String, Json> = before
            .iter()
            .map(|(name, other)| {
                let healthy = other.get("health_check").is_some();
                let ends = other.get("essential").is_some();
                let condition = if healthy {
                    "healthy"
                } else if ends {
                    "success"
                } else {
                    "start"
                };
                (name.clone(), json!(condition))
            })
            .collect();
        Some(Json::Object(conditions))
    }

    fn logs(&mut self, task: &Task) -> Option<Json> {
        if task.router && self.rng.chance(50) {
            return Some(json!({ "driver": "awsfirelens", "options": { "Name": "cloudwatch" } }));
        }
        match self.rng.below(10) {
            0..3 => None,
            3 => Some(json!({ "existing": "/ecs/theirs" })),
            4 => Some(
                json!({ "driver": "splunk", "options": { "splunk-url": "https://splunk.example.com" }, "secret_options": { "splunk-token": "ssm:/splunk" } }),
            ),
            5 => Some(match self.refer("log_groups") {
                Some(group) => {
                    json!({ "group": group, "stream_prefix": "app", "options": { "mode": "non-blocking", "max-buffer-size": "25m" } })
                }
                None => json!({ "group": { "existing": "/ecs/theirs" }, "create_group": true }),
            }),
            _ => self.refer("log_groups").map(|group| json!(group)),
        }
    }
}
