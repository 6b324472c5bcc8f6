//! From the file to the engine's wishes: what kinds need to know of the rest of the stack. Pure.

use std::collections::{BTreeMap, BTreeSet};

use hatoba_engine::desired::{Desired, Goal, OnDestroy};
use hatoba_engine::kind::KindInfo;
use hatoba_engine::owner::TAG_REGION;
use hatoba_engine::value::{Fields, Value};
use hatoba_model::address::Address;
use hatoba_model::facts::Facts;
use hatoba_model::kinds::Resource;
use hatoba_model::reference::Ref;
use hatoba_model::stack::Stack;

use crate::kinds::{drivers, role};

/// The stack and where it lives.
#[derive(Clone, Copy, Debug)]
pub struct Desire<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// Account and region.
    pub facts: &'a Facts,
}

/// Everything that the stack wants. Content is not counted; a destroy sets `content` on the result.
pub fn goal(stack: &Stack, facts: &Facts) -> Goal {
    let cx = Desire { stack, facts };
    let mut resources = BTreeMap::new();
    stack.each(&mut |address, _, key, _| {
        if let Some(desired) = drivers().find(|d| d.info().name == address.kind).and_then(|d| d.desired(&cx, key)) {
            resources.insert(address, desired);
        }
    });
    for driver in drivers() {
        for desired in driver.implied(&cx, &resources) {
            resources.entry(desired.address.clone()).or_insert(desired);
        }
    }
    let mut goal =
        Goal { stack: stack.stack.to_string(), region: Some(facts.region.to_string()), resources, content: false };
    role::grant_runs(&cx, &mut goal);
    goal
}

impl Desire<'_> {
    /// A wish with what all kinds have in common. A field whose value is `None` is not set.
    pub fn wish(&self, kind: &'static KindInfo, key: &str, spec: &dyn Resource) -> Wish {
        let common = spec.common();
        let mut tags: BTreeMap<String, String> =
            self.stack.tags.iter().map(|(key, value)| (key.clone(), value.to_string())).collect();
        tags.extend(common.tags.iter().map(|(key, value)| (key.clone(), value.to_string())));
        Wish(Desired {
            address: Address::new(kind.name, key),
            kind,
            name: spec.aws_name(key).to_owned(),
            fields: Fields::new(),
            tags,
            needs: BTreeSet::new(),
            scope: None,
            existing: common.existing,
            adopt: common.adopt,
            retain: common.retain,
            on_destroy: OnDestroy::Plain,
        })
    }

    /// The name in AWS of what a reference to a section means.
    pub fn name_of(&self, section: &str, reference: &Ref) -> String {
        match reference {
            Ref::Own(key) => match self.stack.find(section, key) {
                Some(spec) => spec.aws_name(key).to_owned(),
                None => key.clone(),
            },
            Ref::Existing(text) => named_by(text).to_owned(),
        }
    }

    /// An output of a resource of the stack that follows from names alone.
    pub fn computed(&self, section: &str, key: &str, output: &str) -> Option<String> {
        let spec = self.stack.find(section, key)?;
        spec.output(spec.aws_name(key), output, self.facts)
    }
}

/// The name that an ARN ends with; what is no ARN is a name.
fn named_by(text: &str) -> &str {
    let Some(arn) = text.strip_prefix("arn:") else { return text };
    match arn.split_once(":log-group:") {
        // A log group's name has slashes of its own, and its ARN often a last `:*`.
        Some((_, name)) => name.trim_end_matches(":*"),
        None => arn.rsplit(['/', ':']).next().unwrap_or(arn),
    }
}

/// A wish in the making.
#[derive(Debug)]
pub struct Wish(Desired);

impl Wish {
    /// Sets a field, if there is a value.
    #[must_use]
    pub fn set(mut self, field: &'static str, value: Option<impl Into<Value>>) -> Self {
        debug_assert!(self.0.kind.field(field).is_some(), "{} has no field {field}", self.0.kind.name);
        if let Some(value) = value {
            self.0.fields.insert(field.to_owned(), value.into());
        }
        self
    }

    /// Must come after a resource of the stack.
    #[must_use]
    pub fn needs(mut self, kind: &'static str, key: &str) -> Self {
        self.0.needs.insert(Address::new(kind, key));
        self
    }

    /// Must come after what a reference means, if that is in the stack.
    #[must_use]
    pub fn needs_ref(self, kind: &'static str, reference: &Ref) -> Self {
        match reference.own() {
            Some(key) => self.needs(kind, key),
            None => self,
        }
    }

    /// Its name is only unique in here.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.0.scope = Some(scope.into());
        self
    }

    /// Adds a tag of our own.
    #[must_use]
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.0.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// It is in no region: a tag says in which one the stack is that wants it.
    #[must_use]
    pub fn global(self, facts: &Facts) -> Self {
        self.tag(TAG_REGION, facts.region.as_ref())
    }

    /// What may happen to its content.
    #[must_use]
    pub fn on_destroy(mut self, on_destroy: OnDestroy) -> Self {
        self.0.on_destroy = on_destroy;
        self
    }

    /// The finished wish.
    pub fn done(self) -> Desired {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::named_by;

    #[test]
    fn names_end_arns() {
        assert_eq!(named_by("arn:aws:ecs:us-west-2:123456789012:cluster/papyrus"), "papyrus");
        assert_eq!(named_by("arn:aws:logs:us-west-2:123456789012:log-group:/ecs/papyrus:*"), "/ecs/papyrus");
        assert_eq!(named_by("/ecs/papyrus"), "/ecs/papyrus");
    }
}
