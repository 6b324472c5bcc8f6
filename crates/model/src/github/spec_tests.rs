#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use serde_json::{Value, json};

use super::{GitHub, GitHubOverrides, RepositoryName, SubjectFormat};

fn github(more: Value) -> GitHub {
    let mut block = json!({ "repository": "acme/papyrus", "owner_id": 1_234_567, "repository_id": 7_654_321, "branches": ["main"] });
    for (key, value) in more.as_object().unwrap() {
        block[key] = value.clone();
    }
    serde_json::from_value(block).unwrap()
}

fn problems(github: &GitHub) -> Vec<String> {
    let text = |p: crate::iam::DocProblem| {
        let place: Vec<String> = p.pointer.iter().map(ToString::to_string).collect();
        format!("{:?} {}: {} | {}", p.severity, place.join("."), p.message, p.help.unwrap_or_default())
    };
    github.check().into_iter().map(text).collect()
}

#[test]
fn both_forms_are_admitted_when_the_ids_are_known() {
    let block = github(
        json!({ "tags": ["v*"], "environments": ["a:b"], "pull_requests": true, "subjects": ["repo:acme/other:pull_request"] }),
    );
    assert_eq!(
        block.token_subjects(),
        [
            "repo:acme@1234567/papyrus@7654321:ref:refs/heads/main",
            "repo:acme@1234567/papyrus@7654321:ref:refs/tags/v*",
            "repo:acme@1234567/papyrus@7654321:environment:a%3Ab",
            "repo:acme@1234567/papyrus@7654321:pull_request",
            "repo:acme/papyrus:ref:refs/heads/main",
            "repo:acme/papyrus:ref:refs/tags/v*",
            "repo:acme/papyrus:environment:a%3Ab",
            "repo:acme/papyrus:pull_request",
            "repo:acme/other:pull_request",
        ]
    );
    assert_eq!(problems(&block), Vec::<String>::new());
}

#[test]
fn the_format_can_be_chosen() {
    let immutable = github(json!({ "subject_format": "immutable" }));
    assert_eq!(immutable.token_subjects(), ["repo:acme@1234567/papyrus@7654321:ref:refs/heads/main"]);
    let classic = github(json!({ "subject_format": "classic", "branches": ["main", "main"] }));
    assert_eq!(classic.token_subjects(), ["repo:acme/papyrus:ref:refs/heads/main"]);
    let unknown = github(json!({ "owner_id": null, "repository_id": null }));
    assert_eq!(unknown.format(), SubjectFormat::Classic);
}

#[test]
fn ids_come_in_pairs() {
    let said = |more| problems(&github(more)).join("\n");
    assert!(said(json!({ "repository_id": null })).starts_with("Error owner_id: `owner_id` needs `repository_id`"));
    assert!(said(json!({ "owner_id": null })).starts_with("Error repository_id:"));
    assert!(
        said(json!({ "owner_id": null, "repository_id": null }))
            .starts_with("Warning repository: a repository created")
    );
    assert_eq!(said(json!({ "owner_id": null, "repository_id": null, "subject_format": "classic" })), "");
    assert!(
        said(json!({ "owner_id": null, "repository_id": null, "subject_format": "both" }))
            .starts_with("Error subject_format:")
    );
}

#[test]
fn mistakes_are_found_where_they_stand() {
    for (more, expected) in [
        (json!({ "branches": [] }), "Error : nothing says which workflow runs"),
        (
            json!({ "branches": ["main", "refs/heads/dev"] }),
            "Error branches.1: `refs/heads/dev` is not the name of a branch | write `dev`",
        ),
        (json!({ "branches": ["heads/dev"] }), "write `dev`"),
        (json!({ "tags": ["refs/tags/v1"] }), "Error tags.0: `refs/tags/v1` is not the name of a tag"),
        (json!({ "branches": ["my branch"] }), "cannot contain a space"),
        (json!({ "branches": [""] }), "the name of a branch is empty"),
        (json!({ "branches": ["a..b"] }), "cannot be the name of a branch"),
        (json!({ "branches": ["配備"] }), "IAM refuses"),
        (json!({ "environments": [" prod"] }), "spaces around it"),
        (json!({ "subjects": ["repo:*"] }), "Error subjects.0: `repo:*` admits every repository on GitHub"),
    ] {
        let found = problems(&github(more.clone()));
        assert!(found.len() == 1 && found[0].contains(expected), "{more}: {found:?}");
    }
}

#[test]
fn repositories() {
    let name: RepositoryName = "acme/papyrus".parse().unwrap();
    assert_eq!((name.owner(), name.name(), name.as_str()), ("acme", "papyrus", "acme/papyrus"));
    for (text, expected) in [
        ("https://github.com/acme/papyrus", "did you mean `acme/papyrus`?"),
        ("git@github.com:acme/papyrus.git", "did you mean `acme/papyrus`?"),
        ("acme/papyrus.git", "did you mean `acme/papyrus`?"),
        ("acme/papyrus/", "did you mean `acme/papyrus`?"),
        ("papyrus", "write `OWNER/NAME`"),
        ("acme/", "write `OWNER/NAME`"),
        ("acme/papyrus/tree", "write `OWNER/NAME`"),
        ("ac*/papyrus", "its owner `ac*`"),
        ("acme/pap*", "cannot contain `*`"),
        ("acme/pap yrus", "cannot contain a space"),
    ] {
        let error = text.parse::<RepositoryName>().unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn unknown_keys_are_refused_and_empty_ones_not_written() {
    let error =
        serde_json::from_value::<GitHub>(json!({ "repository": "acme/papyrus", "branch": "main" })).unwrap_err();
    assert!(error.to_string().contains("unknown field `branch`"), "{error}");
    let block: GitHub = serde_json::from_value(json!({ "repository": "acme/papyrus" })).unwrap();
    assert_eq!(serde_json::to_value(&block).unwrap(), json!({ "repository": "acme/papyrus" }));
}

#[test]
fn a_role_overrides_single_fields() {
    let stack = github(json!({ "tags": ["v*"], "subjects": ["repo:acme/papyrus:pull_request"] }));
    assert_eq!(GitHubOverrides::default().over(Some(&stack)), Some(stack.clone()));
    assert_eq!(GitHubOverrides::default().over(None), None);
    let dev: GitHubOverrides = serde_json::from_value(json!({ "branches": ["dev"], "tags": [] })).unwrap();
    let role = dev.over(Some(&stack)).unwrap();
    assert_eq!((role.branches, role.tags, role.owner_id), (vec!["dev".to_owned()], Vec::new(), Some(1_234_567)));
}

#[test]
fn the_ids_of_one_repository_do_not_hold_for_another() {
    let stack = github(json!({ "subjects": ["repo:acme/papyrus:pull_request"] }));
    let other: GitHubOverrides = serde_json::from_value(json!({ "repository": "acme/other" })).unwrap();
    let role = other.over(Some(&stack)).unwrap();
    assert_eq!((role.owner_id, role.repository_id, role.subjects.len()), (None, None, 0));
    assert_eq!(role.branches, ["main"]);
}
