//! The only place that prints. Standard output is data, standard error is talk.

use std::io::{self, IsTerminal, Write};

use crate::args::{Color, Global};
use crate::error::Error;
use crate::render::Style;

/// Where things are printed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Ui {
    /// Whether the command prints JSON.
    pub(crate) json: bool,
    /// How text on standard output looks.
    pub(crate) out: Style,
    /// How text on standard error looks.
    pub(crate) err: Style,
    /// Whether standard error is a terminal that can be redrawn.
    pub(crate) live: bool,
}

impl Ui {
    pub(crate) fn new(global: &Global) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let colour = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
                let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !no_colour && ((terminal && !dumb) || set("CLICOLOR_FORCE"))
            }
        };
        let out_terminal = io::stdout().is_terminal();
        let err_terminal = io::stderr().is_terminal();
        let width = |terminal: bool| if terminal { terminal_width() } else { 80 };
        Self {
            json: global.json,
            out: Style { colour: colour(out_terminal), width: width(out_terminal) },
            err: Style { colour: colour(err_terminal), width: width(err_terminal) },
            live: err_terminal && !dumb,
        }
    }

    /// Prints data.
    pub(crate) fn data(&self, text: &str) {
        write_to(&mut io::stdout().lock(), text);
    }

    /// Prints talk.
    pub(crate) fn say(&self, text: &str) {
        write_to(&mut io::stderr().lock(), &format!("{text}\n"));
    }

    /// Prints talk without ending the line.
    pub(crate) fn raw(&self, text: &str) {
        write_to(&mut io::stderr().lock(), text);
    }

    /// Prints a JSON document.
    pub(crate) fn document(&self, document: &serde_json::Value) {
        self.data(&format!("{document:#}\n"));
    }

    /// Prints an error, once, with its way out.
    pub(crate) fn error(&self, error: &Error) {
        if error.told {
            return;
        }
        if self.json {
            self.document(&serde_json::json!({
                "error": { "kind": error.kind.name(), "message": error.message, "help": error.help },
            }));
        }
        self.say(&format!("{}: {}", self.err.bad("error"), crate::render::safe(&error.message)));
        for help in &error.help {
            self.say(&format!("  = help: {}", crate::render::safe(help)));
        }
    }
}

/// A closed pipe (`hatoba plan | head`) is no reason to complain.
fn write_to(to: &mut dyn Write, text: &str) {
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

/// The terminal's width from `COLUMNS`, or from the terminal itself, or 80.
fn terminal_width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    let asked = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    columns.or_else(asked).filter(|width| (20..=1000).contains(width)).unwrap_or(80)
}
