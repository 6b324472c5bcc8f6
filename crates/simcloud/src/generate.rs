//! Valid stacks by chance: all kinds, optional fields, cross references, shared roles, clusters and log groups. The same seed
//! gives the same stack.

mod iam;
mod service;
mod small;
mod task;

use std::collections::{BTreeMap, BTreeSet};

use hatoba_model::yaml::{Node, Pos, Span, emit};
use serde_json::{Map, Value as Json, json};

/// Numbers by chance: `SplitMix64`, which needs nothing but a seed.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A sequence; the same for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number from 0 to below `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end.max(1) as u64).unwrap_or_default()
    }

    /// True in this many of a hundred cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of several. `of` is not empty.
    pub fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        let at = self.below(of.len());
        of[at].clone()
    }

    /// Some of several, in their order.
    pub fn some<T: Clone>(&mut self, of: &[T], percent: usize) -> Vec<T> {
        of.iter().filter(|_| self.chance(percent)).cloned().collect()
    }
}

/// What the stacks may hold.
#[derive(Clone, Debug)]
pub struct Options {
    /// The stack's name, which is in the names of all its resources, so that several stacks can share an account.
    pub stack: String,
    /// Only what both emulators can hold.
    pub for_emulator: bool,
}

/// A resource of a generated stack.
#[derive(Clone, Debug)]
struct Item {
    spec: Map<String, Json>,
    /// What it refers to.
    refs: BTreeSet<Place>,
}

/// A section and a key.
type Place = (&'static str, String);

/// A generated stack.
#[derive(Clone, Debug)]
pub struct Generated {
    options: Options,
    head: Map<String, Json>,
    items: BTreeMap<Place, Item>,
}

/// The sections, each after those that its resources refer to; roles with grants come after all of them.
const ORDER: [&str; 11] = [
    "oidc_providers",
    "policies",
    "roles",
    "users",
    "repositories",
    "log_groups",
    "clusters",
    "security_groups",
    "parameters",
    "task_definitions",
    "services",
];

/// What cannot be changed while it is in use.
const FIXED: [(&str, &[&str]); 6] = [
    ("security_groups", &["description", "vpc"]),
    ("policies", &["path", "description"]),
    ("parameters", &["tier"]),
    ("roles", &["path"]),
    // Some classes have no retention.
    ("log_groups", &["class", "retention_days"]),
    ("repositories", &["encryption"]),
];

/// Fields that depend on no other field of the same resource.
const FREE: [(&str, &[&str]); 5] = [
    ("roles", &["description", "max_session"]),
    ("repositories", &["scan_on_push"]),
    ("parameters", &["description"]),
    ("services", &["enable_exec", "ecs_managed_tags", "propagate_tags"]),
    ("clusters", &["container_insights"]),
];

impl Generated {
    /// A stack.
    pub fn new(seed: u64, options: &Options) -> Self {
        let mut rng = Rng::new(seed);
        let head = head(&mut rng, options);
        let mut stack = Self { options: options.clone(), head, items: BTreeMap::new() };
        for place in stack.places(&mut rng) {
            let item = stack.make(&place, &mut rng);
            stack.items.insert(place, item);
        }
        stack
    }

    /// The same stack some time later: resources are removed, added, changed, given other keys and other names.
    #[must_use]
    pub fn vary(&self, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let head = if rng.chance(70) { self.head.clone() } else { head(&mut rng, &self.options) };
        let mut stack = Self { options: self.options.clone(), head, items: BTreeMap::new() };
        let mut old: BTreeMap<Place, Item> = BTreeMap::new();
        for ((section, key), item) in &self.items {
            if rng.chance(10) {
                continue;
            }
            let (key, item) = if rng.chance(5) && !item.spec.contains_key("existing") {
                moved(section, key, item)
            } else {
                (key.clone(), item.clone())
            };
            old.insert((*section, key), item);
        }
        let mut places: Vec<Place> = old.keys().cloned().collect();
        let taken: BTreeSet<(&str, String)> =
            old.iter().map(|((section, key), item)| (*section, name(key, item))).collect();
        let new = |place: &Place| !self.items.contains_key(place) && !taken.contains(place);
        places.extend(stack.places(&mut rng).into_iter().filter(new).filter(|_| rng.chance(30)));
        sort(&mut places);
        let mut changed = BTreeSet::new();
        for place in places {
            let item = match old.remove(&place) {
                None => {
                    changed.insert(place.clone());
                    stack.make(&place, &mut rng)
                }
                Some(item) => {
                    let there = item.refs.iter().all(|place| stack.items.contains_key(place));
                    // What a service says of containers, ports and capacity has to fit.
                    let fits = place.0 != "services" || item.refs.iter().all(|place| !changed.contains(place));
                    match rng.below(100) {
                        0..50 if there && fits => item,
                        50..75 if there && fits => stack.tweak(&place, item, &mut rng),
                        _ => {
                            changed.insert(place.clone());
                            stack.again(&place, &item, &mut rng)
                        }
                    }
                }
            };
            stack.items.insert(place, item);
        }
        stack
    }

    /// As a file.
    pub fn yaml(&self) -> String {
        let mut file = self.head.clone();
        for ((section, key), item) in &self.items {
            let section = file.entry(*section).or_insert_with(|| json!({}));
            section[key] = Json::Object(item.spec.clone());
        }
        emit(&Node::from_json(Span::point(Pos::START), &Json::Object(file)))
    }

    /// What must exist already, because the file says so: sections and names.
    pub fn existing(&self) -> Vec<(&'static str, String)> {
        let existing = self.items.iter().filter(|(_, item)| item.spec.contains_key("existing"));
        let theirs = self.items.values().any(|item| item.spec.get("cluster").is_some_and(Json::is_object));
        let theirs = theirs.then(|| ("clusters", "theirs".to_owned()));
        existing.map(|((section, key), item)| (*section, name(key, item))).chain(theirs).collect()
    }

    fn places(&self, rng: &mut Rng) -> Vec<Place> {
        let stack = &self.options.stack;
        let mut places: Vec<Place> = Vec::new();
        let mut add = |section: &'static str, key: String| places.push((section, key));
        for (key, percent) in [("github", 50), ("issuer", 15)] {
            if rng.chance(percent) {
                add("oidc_providers", key.to_owned());
            }
        }
        for (section, keys, percent) in [
            ("policies", ["read", "limit"].as_slice(), 35),
            ("roles", &["execution", "execution-2"], 60),
            ("roles", &["task", "plain", "deploy"], 45),
            ("users", &["ci"], 25),
            ("clusters", &["main", "second"], 55),
            ("security_groups", &["balancer", "web", "z-db"], 45),
            ("task_definitions", &["api", "web", "worker"], 55),
            ("services", &["api", "web", "worker"], 60),
        ] {
            for key in rng.some(keys, percent) {
                add(section, format!("{stack}-{key}"));
            }
        }
        for key in rng.some(&["api", "web"], 50) {
            add("repositories", format!("{stack}/{key}"));
        }
        for key in rng.some(&["api", "web", "exec"], 50) {
            add("log_groups", format!("/gen/{stack}/{key}"));
        }
        for key in rng.some(&["level", "hosts"], 40) {
            add("parameters", format!("/{stack}/{key}"));
        }
        if self.options.for_emulator {
            // moto cannot make a service without a group.
            if !places.iter().any(|(section, _)| *section == "security_groups") {
                places.retain(|(section, _)| *section != "services");
            }
        } else {
            for (section, percent) in [("roles", 15), ("security_groups", 15), ("clusters", 10), ("log_groups", 10)] {
                if rng.chance(percent) {
                    add(section, "existing".to_owned());
                }
            }
        }
        sort(&mut places);
        places
    }

    fn make(&self, place: &Place, rng: &mut Rng) -> Item {
        let mut make = Make { stack: self, rng, refs: BTreeSet::new() };
        let (section, key) = place;
        if key == "existing" {
            return Item { spec: Map::from_iter([("existing".to_owned(), json!(true))]), refs: BTreeSet::new() };
        }
        let mut spec = match *section {
            "oidc_providers" => make.oidc_provider(key),
            "policies" => make.policy(),
            "roles" => make.role(key),
            "users" => make.user(),
            "repositories" => make.repository(),
            "log_groups" => make.log_group(),
            "clusters" => make.cluster(),
            "security_groups" => make.security_group(key),
            "parameters" => make.parameter(),
            "task_definitions" => make.task_definition(),
            "services" => match make.service() {
                Some(spec) => spec,
                // Without a cluster and a task definition of the stack it uses others'.
                None => make.lonely_service(),
            },
            _ => Map::new(),
        };
        make.common(section, key, &mut spec);
        Item { spec, refs: make.refs }
    }

    /// The same resource made anew, with what cannot be changed in use as it was.
    fn again(&self, place: &Place, old: &Item, rng: &mut Rng) -> Item {
        let mut item = self.make(place, rng);
        let renamed = old.spec.get("name") != item.spec.get("name");
        let moved = place.1.ends_with(MOVED);
        for (_, fields) in FIXED.iter().filter(|(section, _)| *section == place.0 && (!renamed || moved)) {
            for field in *fields {
                carry(&old.spec, &mut item.spec, field);
            }
        }
        let list = |item: &Item| {
            let named = item.spec.get("type").and_then(Json::as_str) == Some("string_list");
            named || item.spec.get("value").is_some_and(Json::is_array)
        };
        if place.0 == "parameters" && (!renamed || moved) && list(old) != list(&item) {
            // A value fits its type.
            carry(&old.spec, &mut item.spec, "type");
            carry(&old.spec, &mut item.spec, "value");
        }
        if moved {
            carry(&old.spec, &mut item.spec, "name");
        }
        if place.0 == "oidc_providers" {
            carry(&old.spec, &mut item.spec, "url");
        }
        item
    }

    /// One field changed.
    fn tweak(&self, place: &Place, mut item: Item, rng: &mut Rng) -> Item {
        let fresh = self.make(place, rng);
        let free = FREE.iter().find(|(section, _)| *section == place.0).map_or(&[][..], |(_, fields)| fields);
        let field = rng.pick(&[&["tags"], free].concat());
        if !item.spec.contains_key("existing") {
            carry(&fresh.spec, &mut item.spec, field);
        }
        if let Some(Json::Object(containers)) = item.spec.get_mut("containers")
            && let Some(Json::Object(first)) = containers.values_mut().next()
            && rng.chance(60)
        {
            let environment = first.entry("environment").or_insert_with(|| json!({}));
            environment["GENERATION"] = json!(rng.below(1000));
        }
        item
    }
}

/// What marks the key of a resource that had another key before.
const MOVED: &str = "-moved";

/// The resource under another key, with the name that it has.
fn moved(section: &str, key: &str, item: &Item) -> (String, Item) {
    let mut item = item.clone();
    if section != "oidc_providers" {
        let name = name(key, &item);
        item.spec.insert("name".to_owned(), json!(name));
    }
    (format!("{key}{MOVED}"), item)
}

/// The name in AWS; of an OIDC provider, whose name follows from its address, the key under which it was made.
fn name(key: &str, item: &Item) -> String {
    let key = if item.spec.contains_key("url") { key.trim_end_matches(MOVED) } else { key };
    item.spec.get("name").and_then(Json::as_str).unwrap_or(key).to_owned()
}

fn carry(from: &Map<String, Json>, to: &mut Map<String, Json>, field: &str) {
    match from.get(field) {
        Some(value) => drop(to.insert(field.to_owned(), value.clone())),
        None => drop(to.remove(field)),
    }
}

fn sort(places: &mut [Place]) {
    places.sort_by_key(|(section, key)| {
        let order = ORDER.iter().position(|one| one == section);
        let granted = *section == "roles" && key.contains("-deploy");
        (granted, order, key.clone())
    });
}

fn head(rng: &mut Rng, options: &Options) -> Map<String, Json> {
    let mut head = Map::new();
    head.insert("stack".to_owned(), json!(options.stack));
    head.insert("region".to_owned(), json!("us-west-2"));
    if rng.chance(50) {
        head.insert("tags".to_owned(), json!({ "project": "portfolio", "step": rng.below(3) }));
    }
    head.insert("variables".to_owned(), json!({ "level": { "default": rng.pick(&["info", "debug", "1", "no"]) } }));
    let mut github = json!({ "repository": "acme/papyrus", "owner_id": 1_234_567, "repository_id": 7_654_321 });
    github["branches"] = json!(rng.pick(&[vec!["main"], vec!["main", "release/*"]]));
    if rng.chance(40) {
        github["tags"] = json!(["v*.*.*"]);
    }
    head.insert("github".to_owned(), github);
    head
}

/// A resource in the making.
struct Make<'a> {
    stack: &'a Generated,
    rng: &'a mut Rng,
    refs: BTreeSet<Place>,
}

impl Make<'_> {
    fn emulator(&self) -> bool {
        self.stack.options.for_emulator
    }

    /// The keys of a section so far.
    fn keys(&self, section: &'static str) -> Vec<String> {
        self.stack.items.keys().filter(|(s, _)| *s == section).map(|(_, key)| key.clone()).collect()
    }

    /// The specs of a section so far.
    fn spec(&self, section: &'static str, key: &str) -> Option<&Map<String, Json>> {
        self.stack.items.get(&(section, key.to_owned())).map(|item| &item.spec)
    }

    /// A reference to a resource of a section, if it has any.
    fn refer(&mut self, section: &'static str) -> Option<String> {
        let keys = self.keys(section);
        if keys.is_empty() {
            return None;
        }
        let key = self.rng.pick(&keys);
        self.refs.insert((section, key.clone()));
        Some(key)
    }

    /// The same, in some of the cases.
    fn maybe_refer(&mut self, section: &'static str, percent: usize) -> Option<String> {
        if self.rng.chance(percent) { self.refer(section) } else { None }
    }

    fn kms(&mut self) -> String {
        let last = self.rng.below(3);
        format!("arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-55555555555{last}")
    }

    /// What every resource may have.
    fn common(&mut self, section: &str, key: &str, spec: &mut Map<String, Json>) {
        if self.rng.chance(30) {
            let mut tags = Map::new();
            for name in self.rng.some(&["team", "cost centre", "a:b/c=d", "on"], 40) {
                let value = self.rng.pick(&[
                    json!("wharf"),
                    json!(7),
                    json!(true),
                    json!(""),
                    json!("1.10"),
                    json!("Überseekai"),
                ]);
                // ECR and SSM take no letters beyond those of all services here, and empty values are not for every emulator.
                let value = if self.emulator() && !matches!(value.as_str(), None | Some("wharf" | "1.10")) {
                    json!("wharf")
                } else {
                    value
                };
                tags.insert(name.to_owned(), value);
            }
            spec.insert("tags".to_owned(), Json::Object(tags));
        }
        if self.rng.chance(5) {
            spec.insert("adopt".to_owned(), json!(true));
        }
        // Only what nothing else is in the way of: a service that stays would hold its cluster.
        if self.rng.chance(4) && matches!(section, "log_groups" | "repositories" | "parameters") && !self.emulator() {
            spec.insert("retain".to_owned(), json!(true));
        }
        if self.rng.chance(10) && section != "oidc_providers" {
            let number = self.rng.below(1000);
            spec.insert("name".to_owned(), json!(format!("{key}-n{number}")));
        }
    }
}

/// A mapping from those members that are there.
fn members<const N: usize>(members: [(&str, Option<Json>); N]) -> Map<String, Json> {
    members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
