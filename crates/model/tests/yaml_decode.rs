//! From trees to types, and everything that can be wrong on the way.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    reason = "a failure fails the test; not every decoded field is looked at"
)]

use std::collections::BTreeMap;

use hatoba_model::diag::{Diagnostic, Diagnostics};
use hatoba_model::yaml::{DecodeErrorKind, Node, Path, Scalar, Source, decode, decode_all, decode_lenient, parse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
struct Name(String);

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !text.is_empty() {
            Ok(Self(text))
        } else {
            Err(format!("`{text}` is not a name: use lower-case letters and hyphens"))
        }
    }
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mutability {
    Mutable,
    Immutable,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Grant {
    Push(String),
    Deploy { service: String },
    All,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    cpu: u16,
    #[serde(default)]
    ports: Vec<u16>,
    #[serde(default)]
    environment: BTreeMap<String, Scalar>,
    image: Option<String>,
    #[serde(default)]
    public: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stack {
    stack: Name,
    region: String,
    #[serde(default)]
    services: BTreeMap<String, Service>,
    #[serde(default)]
    log_groups: BTreeMap<String, LogGroup>,
    #[serde(default)]
    mutability: Option<Mutability>,
    #[serde(default)]
    grants: Vec<Grant>,
    #[serde(default)]
    extra: serde_json::Value,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogGroup {
    retention_days: u32,
    kms_key: Option<String>,
}

fn tree(text: &str) -> Node {
    parse(&Source::new("stack.yaml", text)).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Every problem as `line:col: message`, in the order of the file.
fn problems<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> Vec<String> {
    let errors = decode_all::<T>(&tree(text)).unwrap_err();
    let all: Diagnostics = errors.iter().map(Diagnostic::from).collect();
    all.iter().map(|d| format!("{}: {}", d.span.unwrap().start, d.message)).collect()
}

fn one<T: DeserializeOwned + std::fmt::Debug>(text: &str) -> (String, Vec<String>) {
    let errors = decode_all::<T>(&tree(text)).unwrap_err();
    assert_eq!(errors.len(), 1, "{errors:#?}");
    let diagnostic = Diagnostic::from(&errors[0]);
    (format!("{}: {}", diagnostic.span.unwrap().start, diagnostic.message), diagnostic.help)
}

#[test]
fn a_correct_file_becomes_a_value() {
    let text = "stack: papyrus\nregion: us-west-2\nservices:\n  papyrus: {cpu: 256, ports: [80], environment: {A: 1.10, B: true, C: 0x1f, D: x}}\n  worker: {cpu: 0x100, ports: , image: ~}\nmutability: immutable\ngrants: [all, push: papyrus, {deploy: {service: x}}, {all: }]\nextra: {a: [1, -2, 1.5, '1', ~]}\nlog_groups:\n";
    let stack: Stack = decode_all(&tree(text)).unwrap();
    let environment = &stack.services["papyrus"].environment;
    assert_eq!(environment.values().map(Scalar::as_str).collect::<Vec<_>>(), ["1.10", "true", "0x1f", "x"]);
    assert_eq!(
        stack.services["worker"],
        Service { cpu: 256, ports: vec![], environment: BTreeMap::new(), image: None, public: false }
    );
    assert_eq!(stack.mutability, Some(Mutability::Immutable));
    let grants = [Grant::All, Grant::Push("papyrus".into()), Grant::Deploy { service: "x".into() }, Grant::All];
    assert_eq!(stack.grants, grants);
    assert_eq!(stack.extra, json!({"a": [1, -2, 1.5, "1", null]}));
    assert!(stack.log_groups.is_empty());
}

#[test]
fn five_mistakes_are_found_in_one_run() {
    let text = "\
stack: Papyrus
region: us-west-2
services:
  papyrus:
    cpu: two hundred
    ports: [80, 70000, http]
  worker:
    prots: [1]
log_groups:
  /ecs/papyrus:
    retension_days: 14
mutability: immutible
";
    assert_eq!(
        problems::<Stack>(text),
        [
            "1:8: `Papyrus` is not a name: use lower-case letters and hyphens",
            "5:10: `cpu` must be a whole number from 0 to 65535, found the text \"two hundred\"",
            "6:17: item 2 of `ports` must be a whole number from 0 to 65535, found the number 70000",
            "6:24: item 3 of `ports` must be a whole number from 0 to 65535, found the text \"http\"",
            "7:3: the key `cpu` is missing in services.worker",
            "8:5: unknown key `prots` in services.worker",
            "11:5: unknown key `retension_days` in log_groups[\"/ecs/papyrus\"]",
            "12:13: `mutability` cannot be `immutible`",
        ]
    );
}

#[test]
fn what_was_meant_is_suggested() {
    let (message, help) = one::<Stack>("stack: a\nregion: b\nlog_groups: {x: {retentionDays: 1}}\n");
    assert_eq!(message, "3:18: unknown key `retentionDays` in log_groups.x");
    assert_eq!(help, ["did you mean `retention_days`?", "allowed here: `retention_days`, `kms_key`"]);
    let (message, help) = one::<Stack>("stack: a\nregion: b\nmutability: frozen\n");
    assert_eq!(message, "3:13: `mutability` cannot be `frozen`");
    assert_eq!(help, ["allowed: `mutable`, `immutable`"]);
    let (message, help) = one::<Stack>("stack: a\nregion: b\nservices: {x: {cpu: 1, port:80}}\n");
    assert_eq!(message, "3:24: unknown key `port:80` in services.x");
    assert_eq!(help[0], "if `port` is the key, write a colon and a space after it: `port: 80`");
}

#[test]
fn wrong_quotes_and_brackets_are_explained() {
    for (line, message, help) in [
        ("region: 12", "3:9: `region` must be text, found the number 12", "write it in quotes: \"12\""),
        ("region: true", "3:9: `region` must be text, found the truth value true", "write it in quotes: \"true\""),
        ("region:", "3:7: `region` must be text, found nothing", "for empty text write two quotes: \"\""),
        (
            "services: {x: {cpu: '256'}}",
            "3:21: `cpu` must be a whole number from 0 to 65535, found the text \"256\"",
            "write it without quotes: 256",
        ),
        (
            "services: {x: {cpu: 1, public: yes}}",
            "3:32: `public` must be `true` or `false`, found the text \"yes\"",
            "write `true`",
        ),
        (
            "services: {x: {cpu: 1, ports: 80}}",
            "3:31: `ports` must be a list, found the number 80",
            "for a list of one write it in brackets: [80]",
        ),
        (
            "services: {x: cpu:1}",
            "3:15: `x` must be a mapping (`key: value` lines), found the text \"cpu:1\"",
            "if `cpu` is a key, write a colon and a space after it: `cpu: 1`",
        ),
    ] {
        let region = if line.starts_with("region") { "" } else { "region: r" };
        assert_eq!(
            one::<Stack>(&format!("stack: a\n{region}\n{line}\n")),
            (message.to_owned(), vec![help.to_owned()]),
            "{line}"
        );
    }
    assert_eq!(
        problems::<Stack>("stack: a\nregion: r\nservices: [{cpu: 1}]\n"),
        ["3:11: `services` must be a mapping (`key: value` lines), found a list"]
    );
    assert_eq!(
        problems::<Stack>("stack: a\nregion: r\nservices: {x: [1]}\nextra: 1\n"),
        ["3:15: `x` must be a mapping (`key: value` lines), found a list"]
    );
}

#[test]
fn all_missing_keys_are_named_where_stand_ins_fit() {
    #[derive(Debug, Deserialize)]
    struct Many {
        name: Name,
        size: u8,
        colour: Mutability,
        list: Vec<u8>,
        inner: LogGroup,
        text: String,
    }
    assert_eq!(
        problems::<BTreeMap<String, Many>>("a: {size: 1}\nb: {}\nc: {name: x, size: x}\n")
            .iter()
            .filter(|line| line.starts_with("1:1:"))
            .collect::<Vec<_>>(),
        [
            "1:1: the key `colour` is missing in a",
            "1:1: the key `inner` is missing in a",
            "1:1: the key `list` is missing in a",
            "1:1: the key `name` is missing in a",
            "1:1: the key `text` is missing in a",
        ]
    );
    assert_eq!(
        problems::<Stack>("extra: 1\n"),
        ["1:1: the key `region` is missing at the top level", "1:1: the key `stack` is missing at the top level"]
    );
}

#[test]
fn what_was_left_out_is_no_second_mistake() {
    // `cpu` is there, only wrong; the elements that follow a wrong one keep their number.
    let text = "stack: a\nregion: r\nservices: {x: {cpu: z}, y: {cpu: 1, ports: [a, 1, b]}, ok: {cpu: 3}}\nlog_groups: {g: {retensionDays: 1}}\n";
    let decoded = decode_lenient::<Stack>(&tree(text));
    let places: Vec<_> = decoded.errors.iter().map(|error| error.path.to_string()).collect();
    assert_eq!(places, ["services.x.cpu", "services.y.ports[0]", "services.y.ports[2]", "log_groups.g"]);
    let dropped: Vec<_> = decoded.dropped.iter().map(Path::to_string).collect();
    assert_eq!(
        dropped,
        [
            "services.x.cpu",
            "services.x",
            "services.y.ports[0]",
            "services.y.ports[2]",
            "log_groups.g.retensionDays",
            "log_groups.g"
        ]
    );
    let stack = decoded.value.unwrap();
    assert_eq!(stack.services.keys().collect::<Vec<_>>(), ["ok", "y"]);
    assert_eq!(stack.services["y"].ports, [1]);
}

#[test]
fn the_root_itself_can_be_wrong() {
    let decoded = decode_lenient::<Vec<u8>>(&tree("a: 1\n"));
    assert!(decoded.value.is_none() && decoded.dropped.is_empty());
    let diagnostic = Diagnostic::from(&decoded.errors[0]);
    assert_eq!(
        (diagnostic.code, diagnostic.message.as_str()),
        ("wrong-type", "the file must be a list, found a mapping")
    );
}

#[test]
fn enums_say_what_they_need() {
    let grants = |grant: &str| problems::<Stack>(&format!("stack: a\nregion: r\ngrants: [{grant}]\n"));
    assert_eq!(grants("push"), ["3:10: `push` needs a value: write `push: …` on a line of its own, or `{ push: … }`"]);
    assert_eq!(grants("{all: 1}"), ["3:10: `all` stands alone here, without a value: write just `all`"]);
    assert_eq!(grants("{pull: x}"), ["3:11: item 1 of `grants` cannot be `pull`"]);
    assert_eq!(grants("{push: x, all: }"), ["3:10: only one key is allowed here; `all` is one too many"]);
    assert_eq!(grants("{}, [], ~").len(), 3);
    assert_eq!(grants("{deploy: {}}"), ["3:11: the key `service` is missing in grants[0].deploy"]);
    assert_eq!(grants("{push: 1}"), ["3:17: `push` must be text, found the number 1"]);
}

#[test]
fn keys_are_decoded_too() {
    let map: BTreeMap<u16, Option<Mutability>> = decode(&tree("'80': mutable\n'443':\n")).unwrap();
    assert_eq!(map, BTreeMap::from([(80, Some(Mutability::Mutable)), (443, None)]));
    assert_eq!(problems::<BTreeMap<Name, u8>>("ok: 1\n'Not a name': 2\nalso: 300\n").len(), 2);
    #[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Size {
        Small,
        Large,
    }
    assert_eq!(problems::<BTreeMap<Size, u8>>("small: 1\nmiddle: 2\n"), ["2:1: `middle` cannot be `middle`"]);
}

#[test]
fn untagged_flattened_and_tuple_types_work() {
    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum PortOrMap {
        Port(u16),
        Map { port: u16 },
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        ports: Vec<PortOrMap>,
        pair: (u8, String),
        #[serde(flatten)]
        rest: BTreeMap<String, serde_json::Value>,
    }
    let outer: Outer = decode(&tree("ports: [80, {port: 81}]\npair: [1, x]\nother: {a: b}\n")).unwrap();
    assert_eq!(outer.ports, [PortOrMap::Port(80), PortOrMap::Map { port: 81 }]);
    assert_eq!(outer.pair, (1, "x".to_owned()));
    assert_eq!(outer.rest["other"], json!({"a": "b"}));
    assert!(decode::<(u8, u8)>(&tree("a: 1\n")).is_err());
    let error = decode::<BTreeMap<String, (u8, u8)>>(&tree("a: [1, 2, 3]\n")).unwrap_err();
    assert_eq!(
        (error.path.to_string().as_str(), error.kind),
        ("a", DecodeErrorKind::Invalid("the list of 3 is longer than it can be here".into()))
    );
}

#[test]
fn very_many_mistakes_come_to_an_end() {
    let text: String = (0..2000).map(|n| format!("k{n}: [x, {{a: {{b: x}}}}]\n")).collect();
    let errors = decode_all::<BTreeMap<String, Vec<u8>>>(&tree(&text)).unwrap_err();
    assert!((150..=1000).contains(&errors.len()), "{}", errors.len());
    let unknown: String = (0..5000).map(|n| format!("k{n}: 1\n")).collect();
    assert!(!decode_all::<LogGroup>(&tree(&unknown)).unwrap_err().is_empty());
}

#[test]
fn the_whole_message_as_the_user_sees_it() {
    let text = "stack: papyrus\nregion: us-west-2\n# 港\nlog_groups:\n  /ecs/港: { retension_days: 14 }\n";
    let source = Source::new("stack.yaml", text);
    let errors = decode_all::<Stack>(&parse(&source).unwrap()).unwrap_err();
    let all: Diagnostics = errors.iter().map(Diagnostic::from).collect();
    assert_eq!(
        all.render(&source),
        "\
stack.yaml:5:13: error: unknown key `retension_days` in log_groups[\"/ecs/港\"]
  |
5 |   /ecs/港: { retension_days: 14 }
  |              ^^^^^^^^^^^^^^
  = help: did you mean `retention_days`?
  = help: allowed here: `retention_days`, `kms_key`
"
    );
}
