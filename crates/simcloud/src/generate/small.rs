//! Repositories, log groups, clusters, security groups and parameters.

use serde_json::{Map, Value as Json, json};

use super::{Make, members};

impl Make<'_> {
    pub(super) fn repository(&mut self) -> Map<String, Json> {
        let mutability = self.rng.pick(&[None, Some("mutable"), Some("immutable"), Some("immutable_with_exclusion")]);
        let mutability = mutability.filter(|word| !(self.emulator() && word.ends_with("exclusion")));
        let exclusions = mutability
            .filter(|word| word.ends_with("exclusion"))
            .map(|_| json!(self.rng.pick(&[vec!["latest"], vec!["dev-*", "a.b"]])));
        let encryption = match self.rng.below(10) {
            0..6 => None,
            6..8 => Some(json!("AES256")),
            _ if self.emulator() => None,
            8 => Some(json!("KMS")),
            _ => Some(json!({ "kms": self.kms() })),
        };
        let rule = json!({ "rulePriority": 1, "selection": { "tagStatus": "untagged", "countType": "sinceImagePushed", "countUnit": "days", "countNumber": 7 }, "action": { "type": "expire" } });
        let any = json!({ "rulePriority": 2, "description": "the rest", "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 5 }, "action": { "type": "expire" } });
        let (keep, lifecycle) = match self.rng.below(10) {
            0..5 => (None, None),
            5..8 => (Some(json!(1 + self.rng.below(20))), None),
            8 => (None, Some(json!({ "rules": [rule, any] }))),
            _ => (None, Some(json!(json!({ "rules": [any] }).to_string()))),
        };
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "Pull", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::123456789012:root" },
            "Action": ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage"],
        }] });
        members([
            ("mutability", mutability.map(|word| json!(word))),
            ("mutability_exclusions", exclusions),
            ("encryption", encryption),
            ("scan_on_push", self.rng.chance(40).then(|| json!(self.rng.chance(70)))),
            ("keep_images", keep),
            ("lifecycle", lifecycle),
            ("policy", self.rng.chance(20).then_some(policy)),
            ("on_destroy", self.rng.chance(50).then(|| json!(self.rng.pick(&["keep", "empty"])))),
        ])
    }

    pub(super) fn log_group(&mut self) -> Map<String, Json> {
        let class = self.rng.pick(&[None, None, None, Some("standard"), Some("infrequent_access"), Some("delivery")]);
        let class = class.filter(|word| !(self.emulator() && *word == "delivery"));
        let days = (class != Some("delivery") && self.rng.chance(60)).then(|| json!(self.rng.pick(&[1, 14, 30, 3653])));
        members([
            ("retention_days", days),
            ("class", class.map(|word| json!(word))),
            ("kms_key", (self.rng.chance(15) && !self.emulator()).then(|| json!(self.kms()))),
            // A group that is protected cannot be deleted.
            ("deletion_protection", self.rng.chance(15).then(|| json!(false))),
        ])
    }

    pub(super) fn cluster(&mut self) -> Map<String, Json> {
        let providers = self.rng.some(&["FARGATE", "FARGATE_SPOT"], 60);
        let default = (!providers.is_empty() && self.rng.chance(30)).then(|| {
            let shares: Vec<Json> = providers
                .iter()
                .map(|provider| json!({ "provider": provider, "weight": 1 + self.rng.below(3) }))
                .collect();
            let mut shares = shares;
            if self.rng.chance(50) {
                shares[0]["base"] = json!(1);
            }
            json!(shares)
        });
        let exec = match self.rng.below(10) {
            0..7 => None,
            7 => Some(json!({ "logging": "none" })),
            8 => Some(json!({ "logging": "default" })),
            _ => match self.refer("log_groups") {
                Some(group) => {
                    Some(json!({ "logging": "override", "log_group": group, "s3_bucket": "acme", "s3_prefix": "exec" }))
                }
                None => Some(json!({ "logging": "override", "s3_bucket": "acme", "s3_encryption": true })),
            },
        };
        let words: &[&str] =
            if self.emulator() { &["disabled", "enabled"] } else { &["disabled", "enabled", "enhanced"] };
        members([
            ("capacity_providers", (!providers.is_empty()).then(|| json!(providers))),
            ("default_capacity", default),
            ("container_insights", self.rng.chance(40).then(|| json!(self.rng.pick(words)))),
            ("execute_command", exec),
            (
                "service_connect_namespace",
                // The emulators forget it when a cluster is created.
                (self.rng.chance(10) && !self.emulator())
                    .then(|| json!("arn:aws:servicediscovery:us-west-2:123456789012:namespace/ns-0123456789abcdef")),
            ),
            (
                "managed_storage",
                (self.rng.chance(10) && !self.emulator()).then(|| json!({ "fargate_ephemeral_kms_key": self.kms() })),
            ),
        ])
    }

    pub(super) fn security_group(&mut self, key: &str) -> Map<String, Json> {
        let vpc = match self.rng.below(10) {
            0..2 => Some("default"),
            2 if !self.emulator() => Some("vpc-0a1b2c3d4e5f60718"),
            _ => None,
        };
        let ingress = (0..self.rng.below(4)).map(|number| self.rule(key, number, "from")).collect::<Vec<_>>();
        let egress = match self.rng.below(10) {
            0..6 => None,
            6 => Some(json!([])),
            7 => Some(json!([{ "protocol": "all", "to": "0.0.0.0/0" }])),
            _ => Some(json!((0..1 + self.rng.below(2)).map(|number| self.rule(key, number, "to")).collect::<Vec<_>>())),
        };
        members([
            (
                "description",
                self.rng.chance(60).then(|| json!(self.rng.pick(&["papyrus service", "web (public)", "a:b, c=d"]))),
            ),
            ("vpc", vpc.map(|vpc| json!(vpc))),
            ("ingress", (!ingress.is_empty()).then(|| json!(ingress))),
            ("egress", egress),
        ])
    }

    /// A rule; those of one list have ports of their own, so that none is there twice.
    fn rule(&mut self, own: &str, number: usize, word: &str) -> Json {
        // Only groups before it, so that no circle comes about.
        let others: Vec<String> =
            self.keys("security_groups").into_iter().filter(|key| key.as_str() < own && key != "existing").collect();
        let mut peer = match self.rng.below(10) {
            0..3 => json!("0.0.0.0/0"),
            3 => json!(["10.1.2.3/8", "192.168.0.0/16"]),
            4 => json!(["::/0", "2001:db8::/32"]),
            5 => json!("self"),
            6 if !self.emulator() => json!(["pl-0a1b2c3d4e5f60718", "sg-0a1b2c3d4e5f60718"]),
            _ => Json::Null,
        };
        if peer.is_null() {
            peer = match others.as_slice() {
                [] => json!("172.16.0.0/12"),
                several => {
                    let other = self.rng.pick(several);
                    self.refs.insert(("security_groups", other.clone()));
                    json!([other])
                }
            };
        }
        let mut rule = json!({ word: peer });
        match self.rng.below(8) {
            0..4 => rule["port"] = json!(5000 + number),
            4 => rule["ports"] = json!(format!("{}-{}", 8000 + 10 * number, 8005 + 10 * number)),
            5 => rule["ports"] = json!([6000 + number, format!("{}-{}", 7000 + 10 * number, 7009 + 10 * number)]),
            6 => {
                rule["port"] = json!(53 + number);
                rule["protocol"] = json!("udp");
            }
            _ => {
                rule["port"] = json!(9000 + number);
                rule["protocol"] = json!("tcp");
            }
        }
        if self.rng.chance(30) {
            rule["description"] = json!(self.rng.pick(&["the balancer", "office (temporary)"]));
        }
        rule
    }

    pub(super) fn parameter(&mut self) -> Map<String, Json> {
        let (value, kind) = match self.rng.below(6) {
            0..3 => (json!(self.rng.pick(&["info", "1", "yes", "a: b", "two\nlines"])), None),
            3 => (json!(5), Some("string")),
            4 => (json!(["a", "b", "c"]), None),
            _ => (json!("a,b"), Some("string_list")),
        };
        members([
            ("value", Some(value)),
            ("type", kind.map(|word| json!(word))),
            ("description", self.rng.chance(30).then(|| json!(self.rng.pick(&["how much is logged", "hosts"])))),
            ("tier", self.rng.chance(20).then(|| json!("standard"))),
            ("allowed_pattern", self.rng.chance(15).then(|| json!("^[\\s\\S]*$"))),
            ("data_type", self.rng.chance(15).then(|| json!("text"))),
        ])
    }
}
