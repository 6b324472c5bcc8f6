//! Parameters of the SSM Parameter Store: text that tasks and pipelines read. Limits: SSM API reference, `PutParameter`.

use super::macros::{Common, Resource};
use super::text_or_list::TextOrList;
use crate::check::{Check, shorten};
use crate::facts::Facts;
use crate::secret;

/// The longest value of a standard parameter, in bytes.
const STANDARD_BYTES: usize = 4_096;
/// The longest value of an advanced parameter, in bytes.
const ADVANCED_BYTES: usize = 8_192;

resource! {
    /// A parameter that is no secret; its key is its name: `/papyrus/log-level`.
    pub struct Parameter {
        /// The value: a text, or a list of texts.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub value: Option<TextOrList>,
        /// `string` or `string_list`. Follows from the value, and cannot be changed later. Secrets are not written into files:
        /// create a `SecureString` by hand and refer to it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub r#type: Option<ParameterType>,
        /// What the parameter is for.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// `standard` (free, up to 4 KiB), `advanced` (paid, up to 8 KiB) or `intelligent_tiering` (whichever the value needs).
        /// Without this line the account's own setting decides. An advanced parameter cannot become a standard one again.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub tier: Option<ParameterTier>,
        /// A regular expression that values must match.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub allowed_pattern: Option<String>,
        /// What the value is: `text` (the default), `aws:ec2:image` or `aws:ssm:integration`. AWS checks the value accordingly.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub data_type: Option<DataType>,
    }
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterType {
    /// A text.
    String,
    /// A list of texts.
    StringList,
    /// A secret: refused, because it would stand in the file.
    #[serde(alias = "SecureString")]
    #[schemars(skip)]
    SecureString,
}

impl ParameterType {
    /// As the API spells it.
    pub fn api(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::SecureString => "SecureString",
        }
    }
}

/// What a parameter may hold and costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ParameterTier {
    /// Free; up to 4 KiB.
    Standard,
    /// Paid; up to 8 KiB.
    Advanced,
    /// Standard until the value needs advanced.
    IntelligentTiering,
}

impl ParameterTier {
    /// As the API spells it.
    pub fn api(self) -> &'static str {
        match self {
            Self::Standard => "Standard",
            Self::Advanced => "Advanced",
            Self::IntelligentTiering => "Intelligent-Tiering",
        }
    }
}

/// What a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub enum DataType {
    /// Any text.
    #[serde(rename = "text")]
    Text,
    /// The id of a machine image, which AWS looks up.
    #[serde(rename = "aws:ec2:image")]
    Ec2Image,
    /// The parameter of an integration.
    #[serde(rename = "aws:ssm:integration")]
    Integration,
}

impl DataType {
    /// As the API spells it.
    pub fn api(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Ec2Image => "aws:ec2:image",
            Self::Integration => "aws:ssm:integration",
        }
    }
}

impl Parameter {
    /// The type, stated or by the shape of the value.
    pub fn kind(&self) -> ParameterType {
        match (self.r#type, &self.value) {
            (Some(stated), _) => stated,
            (None, Some(TextOrList::List(_))) => ParameterType::StringList,
            (None, _) => ParameterType::String,
        }
    }

    fn check_name(&self, cx: &mut Check<'_>) {
        let name = cx.name();
        let place: &[&str] = if self.name.is_some() { &["name"] } else { &[] };
        // The limit counts the ARN in front of the name.
        let arn = cx.facts.arn("ssm", format_args!("parameter/{}", name.trim_start_matches('/')));
        if name.is_empty() || arn.chars().count() > 1_011 {
            cx.error(place, "name-length", "the name of a parameter has at most 1011 characters together with its ARN")
                .help("choose a shorter name");
        }
        cx.characters("parameter", &name, "letters, digits and `. - _ /`", |c| {
            c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/')
        });
        let levels = name.split('/').filter(|level| !level.is_empty()).count();
        if name.contains('/') {
            if !name.starts_with('/') {
                cx.error(place, "parameter-path", "a parameter whose name has a `/` starts with one")
                    .help(format!("write `/{}`", shorten(&name)));
            }
            if name.ends_with('/') || name.contains("//") {
                cx.error(place, "parameter-path", "a level of the parameter's name is empty")
                    .help("write `/papyrus/log-level`");
            }
        }
        if levels > 15 {
            cx.error(
                place,
                "parameter-path",
                format!("the name of a parameter has at most 15 levels; this one has {levels}"),
            )
            .help("join some of the levels");
        }
        let lower = name.trim_start_matches('/').to_ascii_lowercase();
        if lower.starts_with("aws") || lower.starts_with("ssm") {
            let help = format!("put the stack's name in front: `/{}/…`", cx.stack.stack);
            cx.error(place, "name-reserved", "names of parameters that start with `aws` or `ssm` belong to AWS")
                .help(help);
        }
    }

    fn check_value(&self, cx: &mut Check<'_>, value: &TextOrList) {
        let texts = value.items();
        let length = texts.iter().map(String::len).sum::<usize>() + texts.len().saturating_sub(1);
        if length == 0 {
            cx.error(&["value"], "empty-value", "Parameter Store holds no empty values")
                .help("remove the parameter, or give it a value");
        }
        let most = match self.tier {
            Some(ParameterTier::Advanced | ParameterTier::IntelligentTiering) => ADVANCED_BYTES,
            Some(ParameterTier::Standard) | None => STANDARD_BYTES,
        };
        if length > most {
            let help = if length <= ADVANCED_BYTES {
                "write `tier: intelligent_tiering`"
            } else {
                "split it, or keep it in S3"
            };
            cx.error(&["value"], "value-length", format!("the value has {length} bytes; this tier holds {most}"))
                .help(help);
        }
        // The last level of a path says what it is.
        let name = cx.name();
        let level = name.rsplit('/').next().unwrap_or_default();
        if let Some(at) = texts.iter().position(|text| secret::is_one(level, text)) {
            let place = place_of(value, at);
            let place: Vec<&str> = place.iter().map(String::as_str).collect();
            if let Some(mut report) = secret::check(cx, &place, "secret-in-parameter", level, &texts[at]) {
                report.help(format!(
                    "create it once by hand, `aws ssm put-parameter --type SecureString --name {} --value …`, and remove it from this file",
                    shorten(&name)
                ));
            }
        }
        for (at, text) in texts.iter().enumerate() {
            let below = place_of(value, at);
            let below: Vec<&str> = below.iter().map(String::as_str).collect();
            if matches!(value, TextOrList::List(_)) && text.contains(',') {
                cx.error(
                    &below,
                    "comma-in-list",
                    "the items of a list are joined by commas, so an item cannot contain one",
                )
                .help("make two items of it, or give the whole as one text with `type: string`");
            }
            if text.contains("{{") {
                cx.error(
                    &below,
                    "braces",
                    "Parameter Store takes `{{` for a reference to another parameter and refuses it",
                )
                .help("write the value without `{{`");
            }
        }
        if matches!(value, TextOrList::List(_)) && self.r#type == Some(ParameterType::String) {
            cx.error(&["type"], "type-and-value", "a list is no `string`")
                .help("write `type: string_list`, or one text");
        }
    }
}

/// The place of one of the texts of a value.
fn place_of(value: &TextOrList, at: usize) -> Vec<String> {
    match value {
        TextOrList::Text(_) => vec!["value".into()],
        TextOrList::List(_) => vec!["value".into(), at.to_string()],
    }
}

impl Resource for Parameter {
    fn common(&self) -> Common<'_> {
        self.common_keys()
    }

    fn check(&self, cx: &mut Check<'_>) {
        self.check_name(cx);
        if self.r#type == Some(ParameterType::SecureString) {
            let name = cx.name();
            // What is wrong is that the value stands here, if it does.
            let place = self.value.as_ref().map(|value| place_of(value, 0));
            let place: Vec<&str> = place.iter().flatten().map(String::as_str).collect();
            let (place, code) = match place.as_slice() {
                [] => (vec!["type"], "secret-type"),
                _ => (place, "secret-in-file"),
            };
            cx.error(&place, code, "secrets are not written into the file").help(format!(
                "create it once by hand, `aws ssm put-parameter --type SecureString --name {} --value …`, and refer to it: `secrets: {{ NAME: \"ssm:{}\" }}`",
                shorten(&name),
                shorten(&name)
            ));
            return;
        }
        match &self.value {
            Some(value) => self.check_value(cx, value),
            None if self.existing => {}
            None => {
                cx.error(&[], "missing-key", "`value` is required").help("write the text, or a list of texts");
            }
        }
        for (field, text) in [("description", &self.description), ("allowed_pattern", &self.allowed_pattern)] {
            if text.as_ref().is_some_and(|text| text.chars().count() > 1_024) {
                cx.error(&[field], "too-long", format!("`{field}` has at most 1024 characters")).help("shorten it");
            }
        }
    }

    fn output(&self, name: &str, output: &str, facts: &Facts) -> Option<String> {
        match output {
            "name" => Some(name.to_owned()),
            // The slash in front of a name is the one after `parameter`.
            "arn" => Some(facts.arn("ssm", format_args!("parameter/{}", name.trim_start_matches('/')))),
            _ => None,
        }
    }

    fn outputs(&self) -> &'static [&'static str] {
        &["arn", "name"]
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameter, ParameterType};
    use crate::kinds::text_or_list::TextOrList;

    #[test]
    fn the_type_follows_from_the_value_unless_stated() {
        let list = Parameter { value: Some(TextOrList::List(vec!["a".into()])), ..Parameter::default() };
        assert_eq!(list.kind(), ParameterType::StringList);
        let text = Parameter { value: Some("a,b".into()), ..Parameter::default() };
        assert_eq!(text.kind(), ParameterType::String);
        let stated = Parameter { r#type: Some(ParameterType::StringList), ..text };
        assert_eq!(stated.kind(), ParameterType::StringList);
    }

    #[test]
    fn the_keys_of_the_file_are_those_of_the_struct() {
        assert_eq!(Parameter::FIELDS, ["value", "type", "description", "tier", "allowed_pattern", "data_type"]);
    }
}
