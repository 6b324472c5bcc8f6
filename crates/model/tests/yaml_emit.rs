//! What is written is read back as it was.

#![expect(clippy::unwrap_used, reason = "a failure fails the test")]

use hatoba_model::yaml::{Entry, Node, NodeValue, Pos, Source, Span, emit, merge, parse};
use proptest::prelude::*;

fn nowhere() -> Span {
    Span::point(Pos::START)
}

/// Text that is easily taken for something else, and any other without control characters.
fn text() -> impl Strategy<Value = String> {
    let tricky = prop::sample::select(vec![
        "",
        "~",
        "null",
        "true",
        "yes",
        "no",
        "on",
        "off",
        "y",
        "n",
        "1",
        "012",
        "0x1f",
        "0o7",
        "1e3",
        "1.5",
        ".5",
        "-1",
        "+1",
        "1_000",
        "12:30",
        "2012-10-17",
        "2012-10-17T10:00:00Z",
        ".inf",
        ".nan",
        "<<",
        "=",
        "-",
        "- a",
        "--- a",
        "...",
        "?",
        "? a",
        ":",
        ": a",
        "a:",
        "a: b",
        "a :b",
        "#",
        "# a",
        "a # b",
        "a#b",
        "*a",
        "&a",
        "!a",
        "!!str a",
        "%a",
        "@a",
        "`a",
        "'a'",
        "\"a\"",
        "a'b",
        "a\"b",
        "|",
        ">",
        "[a]",
        "{a: b}",
        ",",
        " a",
        "a ",
        "\ta",
        "a\t",
        "a\nb",
        "a\nb\n",
        "a\n\nb\n",
        "\na",
        "a\n\n",
        "\n",
        "a\n b\n",
        " a\nb",
        "a\n\tb",
        "a \nb",
        "a\n  \nb",
        "a\nb # c\n",
        "---\na",
        "a\n---\nb\n",
        "a\n...\n",
        "\\",
        "\\n",
        "日本語",
        "é",
        "\u{a0}",
        "\u{200b}",
        "\u{2028}",
        "\u{feff}a",
        "\u{e000}",
        "\u{1f6a2}",
        "${var.x}",
        "arn:aws:iam::123456789012:role/x",
        "a,b",
        "[",
        "]",
        "{",
        "}",
        "a]",
        "cron(0 9 ? * MON-FRI *)",
    ])
    .prop_map(str::to_owned);
    let any_text =
        any::<String>().prop_map(|text| text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect());
    let pieces = prop::collection::vec(
        prop::sample::select(vec!["a", " ", "\n", ":", "#", "-", "'", "\"", "\t", "  ", "港", "|", "\\"]),
        0..8,
    );
    prop_oneof![3 => tricky, 1 => any_text, 2 => pieces.prop_map(|pieces| pieces.concat())]
}

fn plain() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "1",
        "-1",
        "1.10",
        "1e3",
        "0x1f",
        "012",
        "true",
        "False",
        "yes",
        "2012-10-17",
        "word",
        "99999999999999999999",
        "a b",
    ])
    .prop_map(str::to_owned)
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        1 => Just(Node::null(nowhere())),
        4 => text().prop_map(|text| Node::text(nowhere(), text)),
        2 => plain().prop_map(|text| Node::plain(nowhere(), text)),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|items| Node::list(nowhere(), items)),
            mapping(inner),
        ]
    })
}

fn mapping(value: impl Strategy<Value = Node>) -> impl Strategy<Value = Node> {
    prop::collection::vec((text(), value), 0..5).prop_map(|entries| {
        let mut map = Node::map(nowhere());
        for (key, value) in entries {
            map.insert(key, nowhere(), value);
        }
        map
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn what_is_written_is_read_back(root in mapping(node())) {
        let written = emit(&root);
        let read = parse(&Source::new("s", written.as_str())).map_err(|problems| TestCaseError::fail(format!("{problems}\n{written}")))?;
        prop_assert!(read.same(&root), "{written}\n{root:#?}\n{read:#?}");
        prop_assert_eq!(read.to_json(), root.to_json());
        prop_assert_eq!(emit(&read), written);
    }

    #[test]
    fn json_survives(root in mapping(node())) {
        let json = root.to_json();
        let text = emit(&Node::from_json(nowhere(), &json));
        prop_assert_eq!(parse(&Source::new("s", text)).unwrap().to_json(), json);
    }

    #[test]
    fn merging_twice_is_merging_once(base in mapping(node()), overlay in mapping(node())) {
        let mut once = base.clone();
        merge(&mut once, overlay.clone());
        let mut twice = once.clone();
        merge(&mut twice, overlay.clone());
        prop_assert!(once.same(&twice));
        // What the overlay says is what counts.
        for Entry { key, value, .. } in overlay.entries() {
            match (&value.value, once.get(key)) {
                (NodeValue::Null, found) => prop_assert!(found.is_none()),
                (NodeValue::Map(_), found) => prop_assert!(found.is_some_and(Node::is_map)),
                (_, found) => prop_assert!(found.is_some_and(|found| found.same(value))),
            }
        }
        for Entry { key, value, .. } in base.entries() {
            if overlay.get(key).is_none() {
                prop_assert!(once.get(key).is_some_and(|found| found.same(value)));
            }
        }
    }
}
