#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use hatoba_model::stack::Stack;
use serde_json::Value as Json;

use super::*;

fn facts() -> Facts {
    Facts { account: "123456789012".parse().unwrap(), region: "us-west-2".parse().unwrap() }
}

fn desired(spec: Json) -> Desired {
    let stack = json!({ "stack": "papyrus", "region": "us-west-2", "repositories": { "acme/papyrus": spec } });
    let stack: Stack = serde_json::from_value(stack).unwrap();
    Repository.desired(&Desire { stack: &stack, facts: &facts() }, "acme/papyrus").unwrap()
}

fn seen(crypt: Option<EncryptionConfiguration>) -> Sighting {
    let answer = ApiRepository::builder().repository_name("acme/papyrus").set_encryption_configuration(crypt).build();
    Repository::live(&answer, Tags::new(), &facts())
}

fn changed(spec: Json, live: &Sighting) -> Vec<String> {
    differences(&INFO, &desired(spec).fields, &live.fields).into_iter().map(|change| change.path).collect()
}

#[test]
fn a_file_that_says_nothing_equals_what_ecr_makes_of_nothing() {
    assert_eq!(changed(json!({}), &seen(None)), Vec::<String>::new());
    assert_eq!(
        changed(json!({ "encryption": "AES256", "mutability": "mutable", "scan_on_push": false }), &seen(None)),
        Vec::<String>::new()
    );
    assert_eq!(changed(json!({ "mutability": "immutable" }), &seen(None)), ["mutability"]);
}

#[test]
fn the_accounts_own_key_is_whatever_key_ecr_names() {
    let kms =
        |key: &str| EncryptionConfiguration::builder().encryption_type(EncryptionType::Kms).kms_key(key).build().ok();
    let arn = "arn:aws:kms:us-west-2:123456789012:key/1";
    assert_eq!(changed(json!({ "encryption": "KMS" }), &seen(kms(arn))), Vec::<String>::new());
    assert_eq!(changed(json!({ "encryption": { "kms": arn } }), &seen(kms(arn))), Vec::<String>::new());
    assert_eq!(changed(json!({ "encryption": { "kms": arn } }), &seen(kms("other"))), ["encryption.key"]);
    assert_eq!(changed(json!({ "encryption": "KMS" }), &seen(None)), ["encryption.key", "encryption.type"]);
}

#[test]
fn lifecycle_policies_are_compared_by_their_meaning() {
    let written = json!({ "rules": [
        { "rulePriority": 2, "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9 }, "action": { "type": "expire" } },
        { "action": { "type": "expire" }, "rulePriority": 1, "selection": {
            "tagPatternList": ["v*", "a*"], "tagPrefixList": [], "tagStatus": "tagged",
            "countType": "imageCountMoreThan", "countNumber": 5 } },
    ] });
    let stored = json!({ "rules": [
        { "rulePriority": 1, "selection": { "tagStatus": "tagged", "tagPatternList": ["a*", "v*"],
            "countType": "imageCountMoreThan", "countNumber": 5 }, "action": { "type": "expire" } },
        { "rulePriority": 2, "selection": { "tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": 9 }, "action": { "type": "expire" } },
    ] });
    assert_eq!(documents::lifecycle(&written), documents::lifecycle(&stored));
    let want = desired(json!({ "lifecycle": written.to_string() }));
    assert_eq!(want.fields["lifecycle"], documents::lifecycle(&stored));
    let other = json!({ "rules": [stored["rules"][0]] });
    assert_ne!(documents::lifecycle(&other), documents::lifecycle(&stored));
    // Members that are newer than this program are kept, or a change of them would not be seen.
    let newer = json!({ "rules": [{ "rulePriority": 1, "selection": { "storageClass": "archive" } }] });
    assert!(documents::lifecycle(&newer).as_text().unwrap().contains("archive"));
}

#[test]
fn the_number_of_images_to_keep_is_a_policy_that_ecr_takes() {
    let want = desired(json!({ "keep_images": 10 }));
    let text = documents::compact(want.fields["lifecycle"].as_text().unwrap());
    assert!((100..=30_720).contains(&text.len()), "ECR takes 100 to 30,720 characters: {text}");
}

#[test]
fn the_wish_to_empty_is_remembered_in_a_tag() {
    let want = desired(json!({ "on_destroy": "empty" }));
    assert_eq!(want.on_destroy, OnDestroy::Empty);
    let answer = ApiRepository::builder().repository_name("acme/papyrus").build();
    let live = Repository::live(&answer, want.tags, &facts());
    assert_eq!(live.on_destroy, OnDestroy::Empty);
    assert!(desired(json!({})).tags.is_empty());
}

#[test]
fn what_others_refer_to_follows_from_the_name() {
    let live = seen(None);
    assert_eq!(live.id, "arn:aws:ecr:us-west-2:123456789012:repository/acme/papyrus");
    assert_eq!(live.outputs["uri"].as_text(), Some("123456789012.dkr.ecr.us-west-2.amazonaws.com/acme/papyrus"));
    assert_eq!(live.outputs.into_iter().collect::<Vec<_>>(), outputs("acme/papyrus", &facts()));
}
