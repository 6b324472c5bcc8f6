//! Services.

use serde_json::{Map, Value as Json, json};

use super::{Make, members};

/// A container's port that others can be pointed to.
struct PortOf {
    container: String,
    port: u64,
    name: Option<String>,
}

impl Make<'_> {
    /// A service of a cluster and a task definition of the stack, if there are any.
    pub(super) fn service(&mut self) -> Option<Map<String, Json>> {
        let cluster = self.refer("clusters")?;
        let task = self.refer("task_definitions")?;
        let providers: Vec<String> = match self.spec("clusters", &cluster)? {
            // Of one outside of the stack nothing is known.
            spec if spec.contains_key("existing") => vec!["FARGATE".to_owned()],
            spec => texts(spec.get("capacity_providers")),
        };
        let ports = self.ports_of(&task);
        let launch =
            self.spec("task_definitions", &task)?.get("volumes").is_some_and(|volumes| volumes.get("launch").is_some());
        let mut spec = self.body(&providers, &ports);
        spec.insert("cluster".to_owned(), json!(cluster));
        spec.insert("task_definition".to_owned(), json!(task));
        if launch {
            let role = self.refer("roles")?;
            spec.insert(
                "volumes".to_owned(),
                json!({ "launch": { "role": role, "size": 10, "type": "gp3", "tags": { "team": "wharf" } } }),
            );
        }
        Some(spec)
    }

    /// A service that uses what others made.
    pub(super) fn lonely_service(&mut self) -> Map<String, Json> {
        self.refs.clear();
        let mut spec = self.body(&[], &[]);
        spec.insert("cluster".to_owned(), json!({ "existing": "theirs" }));
        spec.insert("task_definition".to_owned(), json!({ "existing": self.rng.pick(&["theirs", "theirs:3"]) }));
        spec
    }

    fn body(&mut self, providers: &[String], ports: &[PortOf]) -> Map<String, Json> {
        let used = if self.emulator() { Vec::new() } else { self.rng.some(providers, 60) };
        let capacity: Vec<Json> =
            used.iter().map(|provider| json!({ "provider": provider, "weight": 1 + self.rng.below(3) })).collect();
        let (least, most) =
            self.rng.pick(&[(None, None), (None, None), (Some(0), Some(100)), (Some(50), None), (Some(0), Some(150))]);
        let balancer = ports.iter().find(|_| self.rng.chance(20));
        let balancers = balancer.map(|port| {
            let group = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/papyrus/0123456789abcdef";
            json!([{ "target_group": group, "container": port.container, "port": port.port }])
        });
        let grace = balancers.is_some() && self.rng.chance(50);
        let connect = self.rng.chance(10).then(|| match ports.iter().find_map(|port| port.name.as_ref()) {
            Some(name) => json!({ "namespace": "papyrus", "services": [{ "port_name": name, "aliases": [{ "port": 80, "dns_name": "papyrus" }] }] }),
            None => json!({ "namespace": "papyrus" }),
        });
        let load = self.rng.chance(10).then(|| {
            self.rng.pick(&[
                json!({ "min": 1, "max": 3, "cpu": 60 }),
                json!({ "max": 4, "cpu": 50, "memory": 70, "scale_in": false }),
            ])
        });
        let schedule = self.rng.chance(15).then(|| self.schedule(load.is_none()));
        members([
            ("network", Some(self.network())),
            ("schedule", schedule),
            ("autoscaling", load),
            ("desired_count", self.rng.chance(60).then(|| json!(self.rng.below(3)))),
            ("launch_type", (capacity.is_empty() && self.rng.chance(20)).then(|| json!("FARGATE"))),
            ("capacity", (!capacity.is_empty()).then(|| json!(capacity))),
            ("platform_version", self.rng.chance(10).then(|| json!(self.rng.pick(&["LATEST", "1.4.0"])))),
            ("minimum_percent", least.map(|number| json!(number))),
            ("maximum_percent", most.map(|number| json!(number))),
            ("circuit_breaker", self.rng.chance(30).then(|| self.rng.pick(&[json!({}), json!({ "rollback": true }), json!({ "enable": false })]))),
            ("alarms", self.rng.chance(10).then(|| json!({ "names": ["papyrus-errors"], "rollback": true }))),
            ("load_balancers", balancers),
            ("registries", self.rng.chance(5).then(|| json!([{ "arn": "arn:aws:servicediscovery:us-west-2:123456789012:service/srv-0123456789abcdef" }]))),
            ("service_connect", connect),
            ("enable_exec", self.rng.chance(20).then(|| json!(self.rng.chance(50)))),
            ("az_rebalancing", (most != Some(100) && self.rng.chance(10)).then(|| json!(self.rng.chance(50)))),
            ("health_check_grace_period", grace.then(|| json!(30))),
            ("propagate_tags", self.rng.chance(20).then(|| json!(self.rng.pick(&["none", "service", "task_definition"])))),
            ("ecs_managed_tags", self.rng.chance(20).then(|| json!(self.rng.chance(50)))),
            ("extra", self.rng.chance(5).then(|| json!({ "deploymentConfiguration": { "bakeTimeInMinutes": 5 } }))),
        ])
    }

    fn schedule(&mut self, counts: bool) -> Json {
        let mut schedule = json!({ "stop": self.rng.pick(&["cron(0 18 ? * MON-FRI *)", "cron(30 20 L * ? *)"]) });
        if self.rng.chance(80) {
            schedule["start"] = json!(self.rng.pick(&["cron(0 9 ? * MON-FRI *)", "cron(0/30 6 1 * ? *)"]));
        }
        if self.rng.chance(50) {
            schedule["timezone"] = json!(self.rng.pick(&["Asia/Tokyo", "UTC"]));
        }
        if counts && self.rng.chance(30) {
            schedule["count"] = json!(2);
        }
        schedule
    }

    fn network(&mut self) -> Json {
        let groups = self.keys("security_groups");
        let mut some = self.rng.some(&groups, 50);
        // moto cannot make a service without a group.
        if some.is_empty() && self.emulator() {
            some.extend(groups.first().cloned());
        }
        let groups = some;
        self.refs.extend(groups.iter().map(|key| ("security_groups", key.clone())));
        let mut groups: Vec<Json> = groups.into_iter().map(|key| json!(key)).collect();
        if self.rng.chance(10) && !self.emulator() {
            groups.push(json!({ "existing": "sg-0a1b2c3d4e5f60718" }));
        }
        let subnets = if self.rng.chance(15) && !self.emulator() {
            json!(["subnet-0123456789abcdef0", "subnet-00000000000000000"])
        } else {
            json!("default")
        };
        let mut network = json!({ "subnets": subnets });
        if !groups.is_empty() {
            network["security_groups"] = json!(groups);
        }
        if self.rng.chance(50) {
            network["public_ip"] = json!(self.rng.chance(80));
        }
        network
    }

    fn ports_of(&self, task: &str) -> Vec<PortOf> {
        let containers = self.spec("task_definitions", task).and_then(|spec| spec.get("containers")?.as_object());
        let ports = containers.into_iter().flatten().flat_map(|(name, container)| {
            let ports = container.get("ports").and_then(Json::as_array).cloned().unwrap_or_default();
            ports.into_iter().filter_map(move |port| {
                let number =
                    port.as_u64().or_else(|| port.get("port").filter(|_| port.get("protocol").is_none())?.as_u64())?;
                let label = port.get("name").and_then(Json::as_str).map(str::to_owned);
                Some(PortOf { container: name.clone(), port: number, name: label })
            })
        });
        ports.collect()
    }
}

fn texts(value: Option<&Json>) -> Vec<String> {
    let items = value.and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}
