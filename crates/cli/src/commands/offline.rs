//! The commands that need nothing but the file, or not even that: `validate`, `expand`, `schema`, `completions`, `version`.

use hatoba_model::yaml::emit;
use serde_json::json;

use crate::args::Global;
use crate::error::{Error, Kind};
use crate::line;
use crate::render::count as counted;
use crate::session;
use crate::ui::Ui;

/// Checks the file.
pub(crate) fn validate(global: &Global, ui: &Ui) -> Result<u8, Error> {
    let file = session::read(global, ui)?;
    let mut count = file.loaded.stack.workflows.len();
    file.loaded.stack.each(&mut |_, _, _, _| count += 1);
    if ui.json {
        ui.document(&json!({
            "valid": true,
            "stack": file.loaded.stack.stack,
            "resources": count,
            "diagnostics": file.loaded.warnings.to_json(&file.source),
        }))?;
        return Ok(0);
    }
    session::warn(&file.source, &file.loaded, ui);
    let mut resources = counted(count, "resource");
    if !file.loaded.stack.clusters.is_empty() {
        // Plans count it where it is not there yet.
        resources.push_str(", and the service-linked role of ECS");
    }
    let warnings = match file.loaded.warnings.len() {
        0 => String::new(),
        1 => ", 1 warning".to_owned(),
        count => format!(", {count} warnings"),
    };
    ui.data(&format!("{} is valid: {resources}{warnings}\n", file.source.name))?;
    Ok(0)
}

/// Prints the long form of the file.
pub(crate) fn expand(global: &Global, ui: &Ui) -> Result<u8, Error> {
    let file = session::read(global, ui)?;
    if ui.json {
        ui.document(&file.loaded.tree.to_json())?;
    } else {
        session::warn(&file.source, &file.loaded, ui);
        ui.data(&emit(&file.loaded.tree))?;
    }
    Ok(0)
}

/// Prints the JSON Schema of stack files.
pub(crate) fn schema(ui: &Ui) -> Result<u8, Error> {
    ui.document(&hatoba_model::schema::schema())?;
    Ok(0)
}

/// Prints completions for a shell.
pub(crate) fn completions(shell: clap_complete::Shell, ui: &Ui) -> Result<u8, Error> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut line::command(), "hatoba", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| Error::new(Kind::Failed, format!("the completions are no text: {error}")))?;
    ui.data(&script)?;
    Ok(0)
}

/// Prints the version.
pub(crate) fn version(ui: &Ui) -> Result<u8, Error> {
    let version = env!("CARGO_PKG_VERSION");
    if ui.json {
        ui.document(&json!({ "version": version }))?;
    } else {
        ui.data(&format!("hatoba {version}\n"))?;
    }
    Ok(0)
}
