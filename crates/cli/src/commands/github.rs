//! `hatoba github …`: what GitHub has to know of the stack.

use hatoba_github::vars::variables;
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use crate::args::{GithubCommand, Global};
use crate::carry::quoted;
use crate::error::Error;
use crate::session;
use crate::ui::Ui;

/// Runs one of them.
pub(crate) async fn run(global: &Global, command: &GithubCommand, ui: &Ui) -> Result<u8, Error> {
    match command {
        GithubCommand::Vars => vars(global, ui).await,
    }
}

/// Prints the variables of the repository, and the commands that set them.
async fn vars(global: &Global, ui: &Ui) -> Result<u8, Error> {
    let (stack, facts) = session::offline(global, None, ui).await?;
    let repository = stack.github.as_ref().map(|github| github.repository.to_string());
    let variables = variables(&stack, &facts);
    let commands: Vec<String> = variables
        .iter()
        .map(|variable| {
            let repository = repository.as_ref().map(|name| format!(" --repo {}", quoted(name))).unwrap_or_default();
            format!("gh variable set {}{repository} --body {}", variable.name, quoted(&variable.value))
        })
        .collect();
    if ui.json {
        let variables: Vec<_> = variables
            .iter()
            .zip(&commands)
            .map(|(variable, command)| {
                json!({ "name": variable.name, "value": variable.value, "what": variable.what, "command": command })
            })
            .collect();
        ui.document(&json!({ "repository": repository, "variables": variables }))?;
        return Ok(0);
    }
    let width = |text: fn(&hatoba_github::vars::Variable) -> &str| {
        variables.iter().map(|variable| text(variable).width()).max().unwrap_or(0)
    };
    let (names, values) = (width(|variable| &variable.name), width(|variable| &variable.value));
    let mut out = String::new();
    for variable in &variables {
        out.push_str(&format!("{:names$}  {:values$}  {}\n", variable.name, variable.value, variable.what));
    }
    out.push('\n');
    for command in commands {
        out.push_str(&command);
        out.push('\n');
    }
    ui.data(&out)?;
    Ok(0)
}
