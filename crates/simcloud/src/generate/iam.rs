//! Providers, policies, roles and users.

use serde_json::{Map, Value as Json, json};

use super::{Make, members};

impl Make<'_> {
    pub(super) fn oidc_provider(&mut self, key: &str) -> Map<String, Json> {
        let stack = &self.stack.options.stack;
        // The account has one for each address: stacks beside each other have issuers of their own.
        let own = if self.emulator() { format!("/{stack}") } else { String::new() };
        if key.starts_with("github") {
            let clients = [json!(["sts.amazonaws.com"]), json!(["sts.amazonaws.com", "acme"])];
            let clients = self.rng.chance(50).then(|| self.rng.pick(&clients));
            return members([
                ("url", Some(json!(format!("https://token.actions.githubusercontent.com{own}")))),
                // Emulators cannot add one later.
                ("client_ids", clients.filter(|_| !self.emulator())),
            ]);
        }
        let prints = json!(["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]);
        members([
            ("url", Some(json!(format!("https://issuer.example.com{own}")))),
            ("client_ids", Some(json!(["papyrus"]))),
            ("thumbprints", (self.rng.chance(50) || self.emulator()).then_some(prints)),
        ])
    }

    /// Statements of what may be done.
    fn statements(&mut self, sids: bool) -> Json {
        let count = 1 + self.rng.below(3);
        let statements: Vec<Json> = (0..count)
            .map(|number| {
                let action = [
                    json!("s3:GetObject"),
                    json!(["s3:GetObject"]),
                    json!(["s3:PutObject", "s3:GetObject"]),
                    json!(["ssm:GetParameter", "ssm:GetParameters", "kms:Decrypt"]),
                ];
                let resource = [json!("*"), json!(["arn:aws:s3:::acme/*", "arn:aws:s3:::acme"]), json!("arn:aws:s3:::acme-${account}/*")];
                let condition = [
                    json!({ "StringEquals": { "aws:RequestedRegion": "us-west-2" } }),
                    json!({ "Bool": { "aws:SecureTransport": true }, "StringLike": { "aws:PrincipalTag/team": ["b", "a"] } }),
                ];
                let mut statement = json!({
                    "Effect": self.rng.pick(&["Allow", "Allow", "Deny"]),
                    "Action": self.rng.pick(&action),
                    "Resource": self.rng.pick(&resource),
                });
                if sids && self.rng.chance(50) {
                    statement["Sid"] = json!(format!("Statement{number}"));
                }
                if self.rng.chance(30) {
                    statement["Condition"] = self.rng.pick(&condition);
                }
                statement
            })
            .collect();
        match statements.as_slice() {
            [one] if self.rng.chance(30) => one.clone(),
            _ => Json::Array(statements),
        }
    }

    fn document(&mut self) -> Json {
        json!({ "Version": "2012-10-17", "Statement": self.statements(true) })
    }

    fn inline(&mut self) -> Option<Json> {
        if self.rng.chance(60) {
            return None;
        }
        let mut policies = Map::new();
        for name in self.rng.some(&["extra", "read.only", "a+b"], 50) {
            policies.insert(name.to_owned(), self.document());
        }
        Some(Json::Object(policies))
    }

    fn path(&mut self) -> Option<Json> {
        self.rng.chance(20).then(|| json!(self.rng.pick(&["/", "/gen/", "/gen/deploy/"])))
    }

    fn managed(&mut self) -> Option<Json> {
        let mut policies = Vec::new();
        if self.rng.chance(50) {
            policies.push("service-role/AmazonECSTaskExecutionRolePolicy".to_owned());
        }
        if self.rng.chance(15) {
            policies.push("arn:aws:iam::aws:policy/ReadOnlyAccess".to_owned());
        }
        let own = self.keys("policies").into_iter().filter(|key| key.contains("-read"));
        for key in own.collect::<Vec<_>>() {
            if self.rng.chance(60) {
                // By its key, or by what the key stands for.
                policies.push(if self.rng.chance(80) { key.clone() } else { format!("${{policies.{key}.arn}}") });
                self.refs.insert(("policies", key));
            }
        }
        (!policies.is_empty()).then(|| json!(policies))
    }

    fn boundary(&mut self) -> Option<Json> {
        let key = self.keys("policies").into_iter().find(|key| key.contains("-limit"))?;
        if self.rng.chance(60) {
            return None;
        }
        self.refs.insert(("policies", key.clone()));
        Some(json!(key))
    }

    fn description(&mut self, percent: usize) -> Option<Json> {
        // ministack's XML is broken by a description with `&` or `<`.
        let special = if self.emulator() { "Für alle: \"ja\"" } else { "Für alle: \"ja\" & <nein>" };
        let texts = ["what tasks may do", special, "", "1", "two words: no"];
        self.rng.chance(percent).then(|| json!(self.rng.pick(&texts)))
    }

    pub(super) fn policy(&mut self) -> Map<String, Json> {
        members([("document", Some(self.document())), ("path", self.path()), ("description", self.description(30))])
    }

    pub(super) fn role(&mut self, key: &str) -> Map<String, Json> {
        let tasks = json!("ecs-tasks.amazonaws.com");
        let grants = if key.contains("-deploy") { self.grants() } else { None };
        let trust = match self.rng.below(10) {
            _ if key.contains("-deploy") => json!({ "github": {} }),
            0..6 => json!({ "service": tasks }),
            6 => json!({ "service": ["ecs.amazonaws.com", tasks] }),
            7 => {
                json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Principal": { "Service": [tasks] }, "Action": ["sts:AssumeRole"] } })
            }
            _ => {
                let roles: Vec<String> =
                    self.keys("roles").into_iter().filter(|other| other != key && other.as_str() < key).collect();
                let principal = match roles.as_slice() {
                    [] => "arn:aws:iam::${account}:root".to_owned(),
                    several => {
                        let other = self.rng.pick(several);
                        self.refs.insert(("roles", other.clone()));
                        format!("${{roles.{other}.arn}}")
                    }
                };
                json!({ "Version": "2012-10-17", "Statement": [
                    { "Sid": "Others", "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "sts:AssumeRole" },
                    { "Effect": "Allow", "Principal": { "Service": tasks }, "Action": "sts:AssumeRole" },
                ] })
            }
        };
        members([
            ("trust", Some(trust)),
            ("grants", grants),
            ("managed_policies", self.managed()),
            ("inline_policies", self.inline()),
            ("description", self.description(30)),
            ("max_session", self.rng.chance(20).then(|| json!(self.rng.pick(&[3600, 7200, 43_200])))),
            ("permissions_boundary", self.boundary()),
            ("path", self.path()),
        ])
    }

    fn grants(&mut self) -> Option<Json> {
        let mut grants = Vec::new();
        if let Some(repository) = self.maybe_refer("repositories", 60) {
            grants.push(json!({ "push": repository }));
        }
        if self.rng.chance(30) {
            let all = self.keys("repositories");
            self.refs.extend(all.iter().map(|key| ("repositories", key.clone())));
            if !all.is_empty() {
                grants.push(json!({ "pull": all }));
            }
        }
        if let Some(service) = self.maybe_refer("services", 70) {
            grants.push(json!({ "deploy": service }));
        }
        (!grants.is_empty()).then(|| json!(grants))
    }

    pub(super) fn user(&mut self) -> Map<String, Json> {
        // moto drops the boundary of a user.
        let boundary = if self.emulator() { None } else { self.boundary() };
        members([
            ("path", self.path()),
            ("managed_policies", self.managed()),
            ("inline_policies", self.inline()),
            ("permissions_boundary", boundary),
        ])
    }
}
