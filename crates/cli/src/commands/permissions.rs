//! `hatoba permissions`: what IAM has to allow whoever runs a command on this file.

use hatoba_model::facts::Facts;
use hatoba_model::iam::permission::{Permission, documents};
use hatoba_model::iam::{size, to_pretty_json};
use hatoba_model::names::AccountId;
use hatoba_model::stack::Stack;
use hatoba_model::yaml::{Node, Pos, Span, emit};
use serde_json::{Map, Value as Json, json};

use crate::args::{Global, PermissionsArgs};
use crate::error::Error;
use crate::purpose::{Purpose, needed};
use crate::render::Tone;
use crate::render::line::Line;
use crate::session;
use crate::ui::Ui;

/// Prints the policy for the purposes that are asked for.
pub(crate) async fn run(global: &Global, args: &PermissionsArgs, ui: &Ui) -> Result<u8, Error> {
    let (stack, facts) = session::offline(global, args.account.as_ref(), ui).await?;
    let all: Vec<Permission> = args.purposes.iter().flat_map(|purpose| needed(*purpose, &stack, &facts)).collect();
    let documents = documents(&all);
    let sizes: Vec<usize> = documents.iter().map(size).collect();
    if ui.json {
        ui.document(&json!({
            "for": args.purposes.iter().map(|purpose| purpose.name()).collect::<Vec<_>>(),
            "stack": stack.stack,
            "account": facts.account,
            "region": facts.region,
            "documents": documents,
            "characters": sizes,
        }))?;
        return Ok(0);
    }
    match &args.role {
        Some(role) => {
            let file = as_role(role, &args.purposes, &stack, &facts.account, &facts, &documents);
            ui.data(&emit(&Node::from_json(Span::point(Pos::START), &file)))?;
        }
        None => {
            for document in &documents {
                ui.data(&format!("{}\n", to_pretty_json(document)))?;
            }
        }
    }
    if documents.len() > 1 {
        let sizes: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        let text = format!(
            "{} policies, because one may have 6,144 characters: {}. A role takes ten of them, unless its quota was raised.",
            documents.len(),
            sizes.join(", ")
        );
        ui.tell(&[Line::new(0).add(Tone::Faint, &text)]);
    }
    Ok(0)
}

/// A role of the file that has these policies: in itself, or beside it where they are too large for that.
fn as_role(
    role: &str,
    purposes: &[Purpose],
    stack: &Stack,
    account: &AccountId,
    facts: &Facts,
    documents: &[Json],
) -> Json {
    let names: Vec<&str> = purposes.iter().map(|purpose| purpose.name()).collect();
    let trust = match (&stack.github, names.as_slice()) {
        (Some(_), ["plan"]) => json!({ "github": { "pull_requests": true } }),
        (Some(_), _) => json!({ "github": {} }),
        (None, _) => json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": format!("arn:{}:iam::{account}:root", facts.partition()) },
                "Action": "sts:AssumeRole",
            }],
        }),
    };
    let name = format!("hatoba-{}", names.join("-"));
    let mut spec = Map::new();
    spec.insert("trust".to_owned(), trust);
    let mut file = Map::new();
    match documents {
        [document] => {
            spec.insert("inline_policies".to_owned(), json!({ name: document }));
        }
        several => {
            let keys: Vec<String> = (1..=several.len()).map(|number| format!("{role}-{number}")).collect();
            spec.insert("managed_policies".to_owned(), json!(keys));
            let policies = keys.into_iter().zip(several).map(|(key, document)| (key, json!({ "document": document })));
            file.insert("policies".to_owned(), Json::Object(policies.collect()));
        }
    }
    file.insert("roles".to_owned(), json!({ role: spec }));
    Json::Object(file)
}
