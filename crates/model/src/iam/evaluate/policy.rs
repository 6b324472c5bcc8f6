//! A document, read for evaluation.

use serde_json::{Map, Value};

use super::compare::{self, Kind};
use super::condition::Condition;
use super::pattern::{self, Token};
use super::template::Template;
use super::who::Name;
use crate::iam::condition::Operator;
use crate::iam::document::Segment;
use crate::iam::walk::{below, items};

/// What kind of policy a document is. It decides which elements it has and what it can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// An inline or managed policy of the user or role (or of the user's groups).
    Identity,
    /// The permissions boundary of the user or role: it limits, and grants nothing.
    Boundary,
    /// A policy passed when the session was made: it limits, and grants nothing.
    Session,
    /// The policy of a resource, such as that of an ECR repository. In one account it or an identity policy must allow.
    Resource,
    /// The policy of a KMS key: like [`Source::Resource`], but it must allow in its own account, too.
    Key,
    /// Who may assume a role: like [`Source::Key`].
    Trust,
}

impl Source {
    /// As a message names it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Identity => "policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Resource => "resource policy",
            Self::Key => "key policy",
            Self::Trust => "trust policy",
        }
    }

    /// Whether its statements say who they are about.
    fn has_principals(self) -> bool {
        matches!(self, Self::Resource | Self::Key | Self::Trust)
    }
}

/// Why a document cannot be evaluated. IAM would have refused to store it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", place(pointer))]
pub struct PolicyError {
    /// The path inside the document; empty for the document as a whole.
    pub pointer: Vec<Segment>,
    /// What is wrong: a lower-case fragment.
    pub message: String,
}

fn place(pointer: &[Segment]) -> String {
    if pointer.is_empty() {
        return String::new();
    }
    let path: Vec<String> = pointer.iter().map(ToString::to_string).collect();
    format!(", at {}", path.join("."))
}

type Result<T> = std::result::Result<T, PolicyError>;

fn refuse<T>(pointer: &[Segment], message: impl Into<String>) -> Result<T> {
    Err(PolicyError { pointer: pointer.to_vec(), message: message.into() })
}

/// A policy that can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    source: Source,
    name: String,
    pub(super) statements: Vec<Statement>,
}

/// A statement that can be evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) index: usize,
    pub(super) sid: Option<String>,
    pub(super) allows: bool,
    /// `None` in policies that belong to somebody.
    pub(super) principals: Option<Element<Name>>,
    pub(super) actions: Element<Action>,
    /// `None` in policies that belong to a resource and do not name it.
    pub(super) resources: Option<Element<Template>>,
    pub(super) conditions: Vec<Condition>,
}

/// An element or its `Not…` form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element<T> {
    pub(super) negated: bool,
    pub(super) items: Vec<T>,
}

/// A pattern of actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) text: String,
    tokens: Vec<Token>,
}

impl Action {
    pub(super) fn matches(&self, action: &str) -> bool {
        pattern::matches(&self.tokens, action, true)
    }
}

impl Policy {
    /// Reads a document as it is written or as AWS returns it (decoded, see [`crate::iam::parse_url_encoded`]). `name` is what a
    /// verdict calls it. Checked is only what evaluation needs; what is unwise but possible is the lints' business.
    ///
    /// # Errors
    ///
    /// The first thing that IAM would have refused: a missing or unknown element, a value of the wrong type, an unknown condition
    /// operator, a broken variable.
    pub fn parse(source: Source, name: impl Into<String>, document: &Value) -> Result<Self> {
        let (root, document) = match document {
            Value::Array(list) if list.len() == 1 => (vec![Segment::Index(0)], &list[0]),
            other => (Vec::new(), other),
        };
        let Some(top) = document.as_object() else { return refuse(&root, "a policy must be a mapping") };
        known(&root, top, &["Version", "Id", "Statement"], "a policy")?;
        let variables = match top.get("Version") {
            None => false,
            Some(version) => match version.as_str() {
                Some("2012-10-17") => true,
                Some("2008-10-17") => false,
                _ => return refuse(&below(&root, "Version"), format!("there is no policy version {version}")),
            },
        };
        let at = below(&root, "Statement");
        let Some(value) = top.get("Statement") else { return refuse(&root, "the policy has no `Statement`") };
        let mut statements = Vec::new();
        for (index, (pointer, item)) in items(&at, value).into_iter().enumerate() {
            let Some(body) = item.as_object() else { return refuse(&pointer, "a statement must be a mapping") };
            statements.push(Reader { source, variables, pointer, body }.statement(index)?);
        }
        Ok(Self { source, name: name.into(), statements })
    }

    /// What kind of policy it is.
    pub fn source(&self) -> Source {
        self.source
    }

    /// What a verdict calls it.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// One statement while it is read.
struct Reader<'a> {
    source: Source,
    /// Whether `${…}` is a variable.
    variables: bool,
    pointer: Vec<Segment>,
    body: &'a Map<String, Value>,
}

impl<'a> Reader<'a> {
    fn statement(&self, index: usize) -> Result<Statement> {
        let elements = [
            "Sid",
            "Effect",
            "Principal",
            "NotPrincipal",
            "Action",
            "NotAction",
            "Resource",
            "NotResource",
            "Condition",
        ];
        known(&self.pointer, self.body, &elements, "a statement")?;
        let sid = match self.body.get("Sid") {
            None => None,
            Some(Value::String(sid)) => Some(sid.clone()).filter(|sid| !sid.is_empty()),
            Some(_) => return refuse(&below(&self.pointer, "Sid"), "`Sid` must be a text"),
        };
        let effect = self.body.get("Effect").and_then(Value::as_str).unwrap_or_default();
        let allows = match effect.to_ascii_lowercase().as_str() {
            "allow" => true,
            "deny" => false,
            _ => return refuse(&self.pointer, "`Effect` must be `Allow` or `Deny`"),
        };
        let Some(actions) = self.element("Action", "NotAction", Self::action)? else {
            return refuse(&self.pointer, "the statement has neither `Action` nor `NotAction`");
        };
        Ok(Statement {
            index,
            sid,
            allows,
            principals: self.principals()?,
            actions,
            resources: self.resources()?,
            conditions: self.conditions()?,
        })
    }

    /// The element or its `Not…` form, each item read by `read`.
    fn element<T>(
        &self,
        plain: &str,
        negated: &str,
        read: impl Fn(&Self, &[Segment], &'a str) -> Result<T>,
    ) -> Result<Option<Element<T>>> {
        let (name, value, is_negated) = match (self.body.get(plain), self.body.get(negated)) {
            (Some(_), Some(_)) => {
                return refuse(&self.pointer, format!("the statement has both `{plain}` and `{negated}`"));
            }
            (Some(value), None) => (plain, value, false),
            (None, Some(value)) => (negated, value, true),
            (None, None) => return Ok(None),
        };
        let at = below(&self.pointer, name);
        let mut found = Vec::new();
        for (pointer, item) in items(&at, value) {
            let Some(text) = item.as_str() else {
                return refuse(&pointer, format!("`{name}` must be a text or a list of texts"));
            };
            found.push(read(self, &pointer, text)?);
        }
        if found.is_empty() {
            return refuse(&at, format!("`{name}` is empty"));
        }
        Ok(Some(Element { negated: is_negated, items: found }))
    }

    fn action(&self, pointer: &[Segment], text: &str) -> Result<Action> {
        if text != "*" && !text.contains(':') {
            return refuse(pointer, format!("`{text}` is not an action"));
        }
        Ok(Action { text: text.to_owned(), tokens: pattern::wild(text) })
    }

    fn resources(&self) -> Result<Option<Element<Template>>> {
        let found = self.element("Resource", "NotResource", Self::template)?;
        match (self.source, &found) {
            (Source::Trust, Some(_)) => refuse(&self.pointer, "a trust policy has no `Resource`"),
            (Source::Trust | Source::Resource, _) | (_, Some(_)) => Ok(found),
            (_, None) => refuse(&self.pointer, "the statement has neither `Resource` nor `NotResource`"),
        }
    }

    fn template(&self, pointer: &[Segment], text: &str) -> Result<Template> {
        if !self.variables {
            return Ok(Template::plain(text));
        }
        Template::parse(text).map_err(|message| PolicyError { pointer: pointer.to_vec(), message })
    }

    fn principals(&self) -> Result<Option<Element<Name>>> {
        let (name, value) = match (self.body.get("Principal"), self.body.get("NotPrincipal")) {
            (Some(_), Some(_)) => {
                return refuse(&self.pointer, "the statement has both `Principal` and `NotPrincipal`");
            }
            (Some(value), None) => ("Principal", value),
            (None, Some(value)) => ("NotPrincipal", value),
            (None, None) if self.source.has_principals() => {
                return refuse(&self.pointer, "the statement has neither `Principal` nor `NotPrincipal`");
            }
            (None, None) => return Ok(None),
        };
        let at = below(&self.pointer, name);
        if !self.source.has_principals() {
            return refuse(&at, format!("a {} has no `{name}`", self.source.noun()));
        }
        let mut found = Vec::new();
        match value {
            Value::String(text) if text == "*" => found.push(Name::Everyone),
            Value::Object(kinds) => {
                for (kind, value) in kinds {
                    for (pointer, item) in items(&below(&at, kind.as_str()), value) {
                        let Some(text) = item.as_str().map(str::to_owned) else {
                            return refuse(&pointer, "a principal must be a text");
                        };
                        found.push(match kind.as_str() {
                            "AWS" if text == "*" => Name::Everyone,
                            "AWS" => Name::Aws(text),
                            "Service" => Name::Service(text),
                            "Federated" => Name::Federated(text),
                            "CanonicalUser" => Name::Canonical(text),
                            _ => return refuse(&pointer, format!("`{kind}` is not a kind of principal")),
                        });
                    }
                }
            }
            _ => return refuse(&at, format!("`{name}` must be `*` or a mapping")),
        }
        if found.is_empty() {
            return refuse(&at, format!("`{name}` is empty"));
        }
        Ok(Some(Element { negated: name == "NotPrincipal", items: found }))
    }

    fn conditions(&self) -> Result<Vec<Condition>> {
        let at = below(&self.pointer, "Condition");
        let mut found = Vec::new();
        let Some(value) = self.body.get("Condition") else { return Ok(found) };
        let Some(operators) = value.as_object() else {
            return refuse(&at, "`Condition` must be a mapping of operators");
        };
        for (text, keys) in operators {
            let at = below(&at, text.as_str());
            let operator = Operator::split(text);
            let kind = match compare::kind(operator.base) {
                Some(kind) if !(operator.if_exists && kind == Kind::Null) => kind,
                _ => return refuse(&at, format!("`{text}` is not a condition operator")),
            };
            let Some(keys) = keys.as_object() else {
                return refuse(&at, format!("`{text}` must be a mapping of condition keys to values"));
            };
            for (key, value) in keys {
                let mut values = Vec::new();
                for (pointer, item) in items(&below(&at, key.as_str()), value) {
                    values.push(self.condition_value(&pointer, kind, item)?);
                }
                found.push(Condition {
                    operator: text.clone(),
                    quantifier: operator.quantifier,
                    if_exists: operator.if_exists,
                    kind,
                    key: key.clone(),
                    values,
                });
            }
        }
        Ok(found)
    }

    fn condition_value(&self, pointer: &[Segment], kind: Kind, value: &Value) -> Result<Template> {
        match value {
            Value::String(text) if matches!(kind, Kind::Compare { test, .. } if test.has_variables()) => {
                self.template(pointer, text)
            }
            Value::String(text) => Ok(Template::plain(text)),
            Value::Bool(_) | Value::Number(_) => Ok(Template::plain(&value.to_string())),
            _ => refuse(pointer, "a condition value must be a text, a number, or true or false"),
        }
    }
}

/// Refuses keys that are not among those known.
fn known(pointer: &[Segment], body: &Map<String, Value>, names: &[&str], of: &str) -> Result<()> {
    match body.keys().find(|key| !names.contains(&key.as_str())) {
        Some(key) => refuse(&below(pointer, key.as_str()), format!("`{key}` is not an element of {of}")),
        None => Ok(()),
    }
}
