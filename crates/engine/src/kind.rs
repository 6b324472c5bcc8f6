//! The vocabulary in which a resource kind describes itself: its field table and its habits.

use crate::desired::Desired;
use crate::diff::FieldChange;
use crate::snapshot::Sighting;
use crate::value::Value;

/// What the engine must know of a kind. One `static` per kind, beside its calls.
#[derive(Debug)]
pub struct KindInfo {
    /// The name in addresses: `log_group`.
    pub name: &'static str,
    /// What it is called in sentences: `log group`.
    pub title: &'static str,
    /// The call that creates it, as AWS spells it.
    pub create_call: &'static str,
    /// The calls that delete it, as AWS spells them.
    pub delete_call: &'static str,
    /// Every field there is. A field of a spec without a row here fails a test.
    pub fields: &'static [Field],
    /// The groups of calls that change it in place, in the order in which they must run.
    pub groups: &'static [Group],
    /// How ownership is marked.
    pub ownership: Ownership,
    /// Whether it takes time to become ready or to go away, so that the executor polls it.
    pub settles: bool,
    /// How many changes to this kind may run at once.
    pub parallel: usize,
}

impl KindInfo {
    /// The row of a field.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// Whether a change makes another revision beside those that there are, so that the create call never finds its name taken.
    pub fn keeps_revisions(&self) -> bool {
        !self.renews(self.create_call).is_empty()
    }

    /// The groups of calls that carry out these changes, in the order in which they must run.
    pub fn groups_of(&self, changes: &[FieldChange]) -> Vec<&'static str> {
        let carries = |group: &&str| changes.iter().any(|change| change.call.as_deref() == Some(group));
        self.groups.iter().map(|group| group.name).filter(carries).collect()
    }

    /// The fields among these changes that others change, too.
    pub fn contested<'a>(&'a self, changes: &'a [FieldChange]) -> impl Iterator<Item = &'static Field> + 'a {
        let changed = |field: &&Field| changes.iter().any(|change| change.row() == field.name);
        self.fields.iter().filter(|field| field.contested).filter(changed)
    }

    /// The outputs that a group of calls makes anew.
    pub fn renews(&self, group: &str) -> &'static [&'static str] {
        self.groups.iter().find(|g| g.name == group).map_or(&[], |g| g.renews)
    }
}

/// One row of a field table.
#[derive(Debug)]
pub struct Field {
    /// The field's name, as users know it from the file.
    pub name: &'static str,
    /// How a change is carried out.
    pub on_change: OnChange,
    /// What it means that the file does not set it.
    pub unset: Unset,
    /// How wish and reality are compared.
    pub compare: Compare,
    /// Whether the create call carries it; otherwise its group of calls follows the create.
    pub at_create: bool,
    /// Whether a new resource may have more than its default: a default that is stated then needs its group of calls, too.
    pub unsure: bool,
    /// Whether it is a list of which users of the resource hold items: these are added before its users change, and taken away
    /// after.
    pub users_first: bool,
    /// Whether others change it, too, so that a change is only made where it still is what the plan saw.
    pub contested: bool,
    /// Whether the text at a path must not be shown.
    pub sensitive: fn(path: &str, text: &str) -> bool,
    /// Whether nothing of it must be shown of a resource with this name.
    pub sensitive_in: fn(name: &str) -> bool,
}

impl Field {
    /// A field that a group of calls changes in place.
    pub const fn update(name: &'static str, group: &'static str) -> Self {
        Self::new(name, OnChange::Update(group))
    }

    /// A field that cannot be changed: the resource is replaced.
    pub const fn replace(name: &'static str) -> Self {
        Self::new(name, OnChange::Replace)
    }

    const fn new(name: &'static str, on_change: OnChange) -> Self {
        Self {
            name,
            on_change,
            unset: Unset::Absent,
            compare: Compare::Exact,
            at_create: true,
            unsure: false,
            users_first: false,
            contested: false,
            sensitive: never,
            sensitive_in: never_named,
        }
    }

    /// Unset means this value.
    #[must_use]
    pub const fn default(mut self, value: fn() -> Value) -> Self {
        self.unset = Unset::Default(value);
        self
    }

    /// Unset means: whatever is there.
    #[must_use]
    pub const fn unmanaged(mut self) -> Self {
        self.unset = Unset::Unmanaged;
        self
    }

    /// It is enough that what is there includes what is wanted.
    #[must_use]
    pub const fn includes(mut self) -> Self {
        self.compare = Compare::Includes;
        self
    }

    /// The create call does not carry it.
    #[must_use]
    pub const fn after_create(mut self) -> Self {
        self.at_create = false;
        self
    }

    /// A new resource may have more than its default.
    #[must_use]
    pub const fn unsure(mut self) -> Self {
        self.unsure = true;
        self
    }

    /// A list of which users of the resource hold items: they are added before its users change, and taken away after.
    #[must_use]
    pub const fn users_first(mut self) -> Self {
        self.users_first = true;
        self
    }

    /// Others change it, too: a change is only made where it still is what the plan saw, or is what is wanted already.
    #[must_use]
    pub const fn contested(mut self) -> Self {
        self.contested = true;
        self
    }

    /// Texts of which this is true must not be shown. It is given the path as well.
    #[must_use]
    pub const fn sensitive(mut self, which: fn(&str, &str) -> bool) -> Self {
        self.sensitive = which;
        self
    }

    /// Nothing of it must be shown of resources with names of which this is true.
    #[must_use]
    pub const fn sensitive_in(mut self, which: fn(&str) -> bool) -> Self {
        self.sensitive_in = which;
        self
    }

    /// Whether the value at a path must not be shown. What is inside of lists and maps is asked for by itself.
    pub fn hides(&self, path: &str, value: &Value) -> bool {
        let text = match value {
            Value::Keep(inner) => return self.hides(path, inner),
            other => other.as_text().unwrap_or_default(),
        };
        (self.sensitive)(path, text)
    }
}

fn never(_: &str, _: &str) -> bool {
    false
}

fn never_named(_: &str) -> bool {
    false
}

/// A group of calls that changes some fields in place.
#[derive(Debug)]
pub struct Group {
    /// The calls as AWS spells them, shown in plans: `PutRetentionPolicy`.
    pub name: &'static str,
    /// The outputs that are new afterwards: a new revision has a new ARN.
    pub renews: &'static [&'static str],
    /// The calls as AWS spells them, where they depend on what is wanted and on what is there; else the name is the only one.
    pub calls: Option<fn(want: &Desired, live: &Sighting) -> Vec<&'static str>>,
}

impl Group {
    /// A group that renews nothing.
    pub const fn new(name: &'static str) -> Self {
        Self { name, renews: &[], calls: None }
    }

    /// The outputs that are new afterwards.
    #[must_use]
    pub const fn renews(mut self, outputs: &'static [&'static str]) -> Self {
        self.renews = outputs;
        self
    }

    /// The calls, where they depend on what is wanted and on what is there.
    #[must_use]
    pub const fn calls(mut self, calls: fn(want: &Desired, live: &Sighting) -> Vec<&'static str>) -> Self {
        self.calls = Some(calls);
        self
    }
}

/// How a change of a field is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnChange {
    /// By this group of calls.
    Update(&'static str),
    /// By a new resource in place of the old one.
    Replace,
}

/// What it means that the file does not set a field.
#[derive(Clone, Copy, Debug)]
pub enum Unset {
    /// Whatever is there stays.
    Unmanaged,
    /// It must not be there.
    Absent,
    /// It must have this value.
    Default(fn() -> Value),
}

/// How wish and reality are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// Equal normal forms.
    Exact,
    /// A list that must hold at least what is wanted; what others put there stays.
    Includes,
}

/// How the ownership of a kind is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// By tags that travel in the create call.
    Tags,
    /// By tags, but the account has only one for everybody: taken over when present,
    /// and kept on destroy unless we made it and nobody else holds it.
    Shared,
    /// Not at all: it belongs to the account, is ensured, and is never changed or deleted.
    Account,
}
