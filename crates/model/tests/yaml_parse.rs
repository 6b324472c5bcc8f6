//! What the reader refuses, where it says so, and that it bears anything.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failure fails the test")]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use hatoba_model::diag::Diagnostics;
use hatoba_model::yaml::{Node, Source, parse};
use proptest::prelude::*;
use serde_json::json;

fn read(text: &str) -> Result<Node, Diagnostics> {
    parse(&Source::new("stack.yaml", text))
}

fn tree(text: &str) -> Node {
    read(text).unwrap_or_else(|problems| panic!("{text:?}: {problems}"))
}

/// Every problem as `line:col: code: message`.
fn problems(text: &str) -> Vec<String> {
    let Err(problems) = read(text) else { panic!("{text:?} was accepted") };
    let line = |d: &hatoba_model::diag::Diagnostic| {
        let place = d.span.map_or("-".to_owned(), |span| span.start.to_string());
        format!("{place}: {}: {}", d.code, d.message)
    };
    problems.iter().map(line).collect()
}

fn the_problem(text: &str) -> String {
    let all = problems(text);
    assert_eq!(all.len(), 1, "{text:?}: {all:#?}");
    all[0].clone()
}

#[test]
fn values_of_all_sorts_and_their_places() {
    let text = "a: x\nb:\n  c: [1, {d: 'q'}]\n\n# comment\n  e: |\n    two\n    lines\nf:\n- g: 1\n  h:\n";
    let root = tree(text);
    assert_eq!(
        root.to_json(),
        json!({"a": "x", "b": {"c": [1, {"d": "q"}], "e": "two\nlines\n"}, "f": [{"g": 1, "h": null}]})
    );
    let place = |node: &Node| (node.span.start.to_string(), node.span.end.to_string());
    let at = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let b = root.get("b").unwrap();
    assert_eq!(place(b.get("c").unwrap()), at("3:6", "3:19"));
    assert_eq!(place(&b.get("c").unwrap().items()[1]), at("3:10", "3:18"));
    assert_eq!(place(root.get("a").unwrap()), at("1:4", "1:5"));
    assert_eq!(root.entry("b").unwrap().key_span.start.to_string(), "2:1");
    assert_eq!(root.get("f").unwrap().items()[0].span.start.to_string(), "10:3");
    assert_eq!(root.span.start.to_string(), "1:1");
}

#[test]
fn wide_characters_count_as_one_column() {
    let root = tree("名: {港: 値}\n");
    assert_eq!(root.get("名").unwrap().entry("港").unwrap().value.span.start.to_string(), "1:8");
}

#[test]
fn windows_line_ends_and_a_byte_order_mark() {
    assert_eq!(tree("\u{feff}a: 1\r\nb:\r\n  c: 2\r\n").to_json(), json!({"a": 1, "b": {"c": 2}}));
    let source = Source { name: "s".into(), text: "\u{feff}a: 1".into() };
    assert_eq!(parse(&source).unwrap().span.start.to_string(), "1:1");
}

#[test]
fn the_root_must_be_a_mapping() {
    for text in ["", "\n\n", "# only a comment\n", "---\n", "null\n", "~"] {
        assert_eq!(the_problem(text), "1:1: yaml-root: the file is empty");
    }
    assert_eq!(
        the_problem("- a\n- b\n"),
        "1:1: yaml-root: the file must be a mapping (`key: value` lines), found a list"
    );
    assert_eq!(
        the_problem("\nhello\n"),
        "2:1: yaml-root: the file must be a mapping (`key: value` lines), found the text \"hello\""
    );
    let help = read("stack:papyrus\n").unwrap_err().iter().next().unwrap().help.clone();
    assert_eq!(help, ["write `stack: papyrus`"]);
}

#[test]
fn one_document_only() {
    assert_eq!(the_problem("a: 1\n---\nb: 2\n"), "2:1: yaml-documents: a second document begins here");
    assert_eq!(tree("%YAML 1.2\n---\na: 1\n...\n").to_json(), json!({"a": 1}));
}

#[test]
fn every_duplicate_key_is_found() {
    let text = "a: 1\nb:\n  c: 1\n  c: 2\n  'c': 3\na: 2\nd: [{e: 1, e: 2}]\n";
    assert_eq!(
        problems(text),
        [
            "4:3: duplicate-key: the key `c` is given twice in b",
            "5:3: duplicate-key: the key `c` is given twice in b",
            "6:1: duplicate-key: the key `a` is given twice",
            "7:12: duplicate-key: the key `e` is given twice in d[0]",
        ]
    );
    let second = read(text).unwrap_err().iter().nth(1).unwrap().help.clone();
    assert_eq!(second, ["it is given first in line 3, column 3; keep one of the two"]);
}

#[test]
fn keys_must_be_text() {
    assert_eq!(
        problems("5000: a\ntrue: b\n~: c\n? [x]\n: d\n? {y: z}\n: e\n'80': f\n012: g\nyes: h\n: i\n"),
        [
            "1:1: key-not-text: a key must be text, this one is a number",
            "2:1: key-not-text: a key must be text, this one is a truth value",
            "3:1: key-not-text: a key must be text, this one is empty",
            "4:3: key-not-text: a key must be text, this one is a list or a mapping",
            "6:3: key-not-text: a key must be text, this one is a list or a mapping",
            "11:1: key-not-text: a key must be text, this one is empty",
        ]
    );
    assert_eq!(the_problem("a: &x text\n*x : 1\n"), "2:1: key-not-text: an alias cannot be a key");
}

#[test]
fn tags_are_refused_where_they_stand() {
    assert_eq!(
        problems("a: !Ref papyrus\nb: !!binary aGk=\nc: [!x {y: 1}, &z !w [1]]\nd: !!int \"1\"\n"),
        [
            "1:4: yaml-tag: the tag `!Ref` is not known here",
            "2:4: yaml-tag: the tag `!!binary` is not known here",
            "3:5: yaml-tag: the tag `!x` is not known here",
            "3:19: yaml-tag: the tag `!w` is not known here",
            "4:4: yaml-tag: the tag `!!int` is not known here",
        ]
    );
    assert_eq!(
        tree("a: !!str 12\nb: !!map {}\nc: !!seq []\nd: ! 13\n").to_json(),
        json!({"a": "12", "b": {}, "c": [], "d": "13"})
    );
}

#[test]
fn control_characters_are_refused() {
    assert_eq!(
        problems("a: \"x\\x1by\"\nb: x\u{7f}\nc: \"tab\\tand\\nbreak\"\n\"k\\a\": \"\\r\"\n"),
        [
            "1:4: control-character: this text contains the control character U+001B",
            "2:4: control-character: this text contains the control character U+007F",
            "4:1: control-character: this text contains the control character U+0007",
            "4:8: control-character: this text contains the control character U+000D",
        ]
    );
}

#[test]
fn depth_is_bounded() {
    let nested = |levels: usize| format!("a: {}{}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    assert!(read(&nested(64)).is_ok());
    assert_eq!(the_problem(&nested(65)), "1:67: yaml-too-deep: mappings and lists are nested more than 64 levels deep");
    assert!(the_problem(&nested(400)).contains("yaml-too-deep"));
    let mut block = String::new();
    for level in 0..70 {
        let _ = writeln!(block, "{}a:", " ".repeat(level));
    }
    assert!(the_problem(&block).contains("yaml-too-deep"));
    // An alias brings the depth of what it stands for.
    let text = format!("a: &a {}{}\nb: {}*a{}\n", "[".repeat(40), "]".repeat(40), "[".repeat(30), "]".repeat(30));
    assert!(the_problem(&text).contains("yaml-too-deep"), "{text}");
}

#[test]
fn aliases_and_merge_keys() {
    let text = "base: &base {cpu: 256, tags: &t [x]}\nmore: &more {cpu: 1, memory: 2}\na: *t\nb:\n  cpu: 9\n  <<: *base\nc:\n  <<: [*base, *more]\n  d: 1\ne: {\"<<\": 1}\nf: {<<: {g: 1}}\n";
    let root = tree(text);
    assert_eq!(
        json!([root.get("a").unwrap().to_json(), root.get("b").unwrap().to_json(), root.get("c").unwrap().to_json()]),
        json!([["x"], {"cpu": 9, "tags": ["x"]}, {"d": 1, "cpu": 256, "tags": ["x"], "memory": 2}])
    );
    assert_eq!(root.get("e").unwrap().to_json(), json!({"<<": 1}));
    assert_eq!(root.get("f").unwrap().to_json(), json!({"g": 1}));
    // The alias itself is where it stands, what it brings is where it was written.
    assert_eq!(root.get("a").unwrap().span.start.to_string(), "3:4");
    assert_eq!(root.get("b").unwrap().get("tags").unwrap().span.start.line, 1);
    assert_eq!(the_problem("a: 1\nb: {<<: text}\n"), "2:5: merge-key: `<<` takes a mapping or a list of mappings");
    assert_eq!(the_problem("a: {<<: {}, <<: {}}\n"), "1:13: duplicate-key: the key `<<` is given twice in a");
}

#[test]
fn unknown_and_looping_aliases() {
    assert_eq!(
        problems("a: *gone\nb: 1\nc: [*lost]\n"),
        ["1:4: unknown-alias: `*gone` stands for a value marked `&gone` further up, but there is none"]
    );
    assert_eq!(
        the_problem("a: &x [1, *x]\n"),
        "1:11: alias-loop: this alias stands inside the value that it stands for"
    );
}

#[test]
fn the_billion_laughs_are_refused_fast() {
    let mut bomb = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for n in 1..12 {
        let _ = writeln!(bomb, "a{n}: &a{n} [{}]", vec![format!("*a{}", n - 1); 9].join(", "));
    }
    let merges = format!(
        "a: &a {{{}}}\nb: [{}]\n",
        (0..5000).map(|n| format!("k{n}: 1, ")).collect::<String>(),
        "{<<: *a}, ".repeat(50)
    );
    let text = format!("a: &a {}\nb: [{}]\n", "x".repeat(500_000), "*a, ".repeat(1000));
    let anchors = format!("a: {}[{}]{}\n", "&a [".repeat(60), "1, ".repeat(100_000), "]".repeat(60));
    for (bomb, at) in [(bomb, "5:"), (merges, "2:"), (text, "2:"), (anchors, "1:")] {
        let begin = Instant::now();
        let problem = the_problem(&bomb);
        assert!(problem.starts_with(at) && problem.contains("alias-bomb"), "{problem}");
        // Milliseconds on a quiet machine; what is not bounded would take years, and a busy machine is no failure.
        assert!(begin.elapsed() < Duration::from_secs(20));
    }
}

#[test]
fn large_files_are_refused_before_they_are_read() {
    let problem = the_problem(&"a".repeat((1 << 20) + 1));
    assert!(problem.starts_with("1:1: yaml-too-large"), "{problem}");
    let many = format!("a: [{}]\n", "1,".repeat(250_000));
    assert!(the_problem(&many).contains("yaml-too-large"));
}

#[test]
fn syntax_errors_point_at_what_was_done_wrong() {
    let mut wrong = Vec::new();
    for (text, expected) in [
        ("a:\n\tb: 1\n", "2:1: this line is indented with a tab; YAML takes only spaces"),
        ("a:\n  b: 1\n\tc: 2\n", "3:1: this line is indented with a tab; YAML takes only spaces"),
        ("a:\n  cpu:256\n  memory: 512\n", "2:6: a space is missing after this colon"),
        ("a:\n  memory: 512\n  cpu:256\n", "3:6: a space is missing after this colon"),
        ("a: 1\ncpu:256", "2:4: a space is missing after this colon"),
        ("a:\n  - name:x\n    port: 1\n", "2:9: a space is missing after this colon"),
        ("a: 1\nb\nc: 1\n", "2:1: this is neither `key: value` nor a list item"),
        ("a: 1\nb\n", "2:1: this is neither `key: value` nor a list item"),
        ("a: \"open\nb: 2\n", "1:4: the text that begins with this quote has no closing quote"),
        ("a:\n  b: 'open\n", "2:6: the text that begins with this quote has no closing quote"),
        ("a: 'it's'\n", "1:8: there is text after the closing quote"),
        ("a: \"ok \\n C:\\dir\"\n", "1:13: a backslash in double quotes begins an escape, and this is none"),
        ("a: [1, 2\nb: 3\n", "1:4: this `[` is not closed with `]`"),
        ("a: [1, 2\n", "1:4: this `[` is not closed with `]`"),
        ("a: {x: 1\nb: 3\n", "1:4: this `{` is not closed with `}`"),
        ("a: { x: y\nb:\n  c: 3\n", "1:4: this `{` is not closed with `}`"),
        ("a: {b: [1,2}\n", "1:12: `[` is closed by `}`"),
        ("a: {b: 1 \"c\": 2}\n", "1:10: a comma or `}` is missing before this"),
        ("a: ]\n", "1:4: this closing bracket was never opened"),
        ("a: b: c\n", "1:4: text that contains `: ` needs quotes"),
        ("a: x\n  b: 1\n", "2:3: this line is indented as a part of `a`, which has a value already"),
        ("a: x # y\n  b: 1\n", "2:3: this line is indented as a part of `a`, which has a value already"),
        ("a:\n  - b\n    c: 1\n", "3:5: this line is indented as a part of line 2, which is not a key"),
        (" a: 1\nb: 2\n", "2:1: this line begins in a column where no line above it begins"),
        ("a:\n    b: 1\n  c: 2\n", "3:3: this line begins in a column where no line above it begins"),
        ("a: @x\n", "1:4: text without quotes cannot begin with `@`"),
        ("a: *\n", "1:4: text without quotes cannot begin with `*`"),
        ("a: - 1\n", "1:4: a list item cannot stand in the same line as its key"),
        ("a: 1\n- b\n", "2:1: a list item cannot stand among keys"),
        ("- a\nb: 1\n", "2:1: a key cannot stand among list items"),
        ("a: |2\n x\n", "2:2: this line of a text block is indented less than the block"),
        ("a: [x] y\n", "1:8: this cannot follow here: the value before it is complete"),
    ] {
        let all = problems(text);
        if all != [expected.replacen(": ", ": yaml-syntax: ", 1)] {
            wrong.push((text, all));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn several_syntax_errors_are_found_at_once() {
    let text = "stack: papyrus\nservices:\n  a:\n\tb: 1\nroles:\n  x:1\n  y: 2\nlogs: [1, 2\ntags: {a: 1, a: 2}\nlast: \"open\n";
    assert_eq!(
        problems(text),
        [
            "4:1: yaml-syntax: this line is indented with a tab; YAML takes only spaces",
            "6:4: yaml-syntax: a space is missing after this colon",
            "8:7: yaml-syntax: this `[` is not closed with `]`",
            "9:14: duplicate-key: the key `a` is given twice in tags",
            "10:7: yaml-syntax: the text that begins with this quote has no closing quote",
        ]
    );
}

#[test]
fn hostile_text_takes_bounded_time() {
    let mib = 1 << 20;
    let fill = |unit: &str, head: &str| format!("{head}{}", unit.repeat((mib - head.len()) / unit.len()));
    for (unit, head) in [
        ("[", ""),
        ("- ", ""),
        ("? ", ""),
        ("{a: ", ""),
        ("a\n", ""),
        ("a: 1\n", ""),
        ("[],", "z: ["),
        ("\"x\" ", "a: ["),
        ("!", ""),
        ("? ", "["),
        (": ", "["),
        ("- !x y\n", ""),
        ("&a ", ""),
        ("---\n", ""),
        ("%a\n", ""),
        ("a: b: c\n", ""),
        ("a:\n\tb\n", ""),
        ("\t", "a:\n"),
        (" ", "a:"),
        ("\"", ""),
        ("'", "a: "),
        ("\r", ""),
        ("#", ""),
        ("!x [", "a: "),
        ("*a ", "a: "),
        ("\\", "a: \""),
        ("1: 1\n", ""),
        (",!x 1", "a: [1"),
        ("\u{7f} ", "a: "),
        ("<<: {}\n", ""),
        ("é:é\n", ""),
        ("a: [\n", ""),
        ("x: \"\n", ""),
    ] {
        let text = fill(unit, head);
        let begin = Instant::now();
        let source = Source::new("s", text);
        if let Err(problems) = parse(&source) {
            let _ = problems.render(&source);
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{head:?} {unit:?}: {:?}", begin.elapsed());
    }
}

/// Pieces that make YAML-like text more often than single characters do.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "b: ",
        "c:",
        "\n",
        "\n  ",
        "\n    ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\"",
        "'",
        "|",
        ">",
        "|-\n",
        "#",
        " # ",
        "&a ",
        "*a",
        "!t ",
        "!!str ",
        "<<: ",
        "? ",
        ": ",
        "---",
        "\n---\n",
        "...",
        "%",
        "\t",
        "\r",
        "\r\n",
        "\\",
        "\\x",
        "1",
        "~",
        "é",
        "港",
        "\u{feff}",
        "\0",
        "\u{85}",
        "\u{2028}",
        "@",
        "`",
        "null",
        "true",
        " ",
        "\u{1b}",
        "key: value\n",
        "key:\n  - x\n",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_text_is_read_or_refused_in_its_place(text in prop_oneof![yaml_like(), any::<String>()]) {
        let source = Source::new("stack.yaml", text);
        match parse(&source) {
            Ok(root) => prop_assert!(root.is_map()),
            Err(problems) => {
                prop_assert!(problems.has_errors());
                for problem in &problems {
                    let span = problem.span.unwrap();
                    prop_assert!(span.start.line >= 1 && span.start.col >= 1 && span.start <= span.end, "{problem:?}");
                }
                let escapes = problems.render(&source).contains('\u{1b}');
                prop_assert!(!escapes);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(source) = Source::from_bytes("stack.yaml", &bytes) {
            let _ = parse(&source);
        }
    }
}
