//! The only place that prints. Standard output is data, standard error is talk.

use std::io::{self, IsTerminal, Write};

use terminal_size::{Height, Width, terminal_size_of};

use crate::args::{Color, Global};
use crate::carry::{options, quoted};
use crate::error::{Error, Kind};
use crate::render::line::{Line, write_all};
use crate::render::{Style, Tone, missing, one_line};

/// How wide text is where there is no terminal.
const WIDTH: usize = 80;

/// Where things are printed, and how.
#[derive(Clone, Debug)]
pub(crate) struct Ui {
    /// Whether the command prints JSON.
    pub(crate) json: bool,
    /// How text on standard output looks.
    pub(crate) out: Style,
    /// How text on standard error looks.
    pub(crate) err: Style,
    /// How many lines of standard error can be redrawn: none where it is no terminal.
    pub(crate) live: Option<usize>,
}

impl Ui {
    /// As the options, the environment and the two streams want it.
    pub(crate) fn new(global: &Global) -> Self {
        let var = |name: &str| std::env::var(name).ok();
        let dumb = var("TERM").is_some_and(|term| term == "dumb");
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let options: Vec<String> = options(global).iter().map(|word| quoted(word)).collect();
        // As long as the program runs, and once.
        let options: &'static str = options.join(" ").leak();
        let style = |terminal: bool, size: Option<(Width, Height)>| Style {
            colour: colour(global.color, terminal, &var),
            width: size.filter(|_| terminal).map_or(WIDTH, |(Width(width), _)| usize::from(width).max(20)),
            options,
        };
        let size = terminal_size_of(&stderr);
        // Log lines would tear the redrawn part apart.
        let live = stderr.is_terminal() && !dumb && global.verbose == 0;
        Self {
            json: global.json,
            out: style(stdout.is_terminal(), terminal_size_of(&stdout)),
            err: style(stderr.is_terminal(), size),
            live: live.then(|| size.map_or(24, |(_, Height(height))| usize::from(height))),
        }
    }

    /// Prints data.
    ///
    /// # Errors
    /// When it cannot be written. That nobody reads it (`hatoba plan | head`) is no error.
    pub(crate) fn data(&self, text: &str) -> Result<(), Error> {
        self.stream(text).map(drop)
    }

    /// Prints data of which more may come, and returns whether anybody reads it.
    ///
    /// # Errors
    /// As [`Ui::data`].
    pub(crate) fn stream(&self, text: &str) -> Result<bool, Error> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
            Err(error) => Err(Error::new(Kind::Failed, format!("cannot write to standard output: {error}"))),
        }
    }

    /// Prints lines as data, where the data is text.
    ///
    /// # Errors
    /// As [`Ui::data`].
    pub(crate) fn show(&self, lines: &[Line]) -> Result<(), Error> {
        if self.json { Ok(()) } else { self.data(&write_all(lines, self.out)) }
    }

    /// Prints a JSON document.
    ///
    /// # Errors
    /// As [`Ui::data`].
    pub(crate) fn document(&self, document: &serde_json::Value) -> Result<(), Error> {
        self.data(&format!("{document:#}\n"))
    }

    /// Prints lines of talk.
    pub(crate) fn tell(&self, lines: &[Line]) {
        self.raw(&write_all(lines, self.err));
    }

    /// Prints talk as it is; the text must be safe for terminals.
    pub(crate) fn raw(&self, text: &str) {
        let mut err = io::stderr().lock();
        // There is no one left to tell.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }

    /// Prints an error, once, with its way out.
    pub(crate) fn error(&self, error: &Error) {
        if self.json {
            // The exit code says that it failed, whatever becomes of the document.
            let _ = self.document(&error.to_json());
        }
        if !error.told {
            self.tell(&error_lines(error));
        }
    }
}

fn error_lines(error: &Error) -> Vec<Line> {
    let mut lines = vec![Line::new(0).add(Tone::Error, "error").text(": ").text(&one_line(&error.message))];
    for help in &error.help {
        lines.push(Line::help(2, help));
    }
    lines.extend(missing::lines(&error.missing));
    lines
}

/// Whether to use colour. `NO_COLOR` (no-color.org) switches it off, `CLICOLOR_FORCE` on where there is no terminal.
fn colour(wish: Color, terminal: bool, var: &dyn Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| var(name).is_some_and(|value| !value.is_empty());
    match wish {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if var("CLICOLOR_FORCE").is_some_and(|value| !value.is_empty() && value != "0") => true,
        Color::Auto if var("CLICOLOR").is_some_and(|value| value == "0") => false,
        Color::Auto => terminal && var("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(wish: Color, terminal: bool, env: &[(&str, &str)]) -> bool {
        let var = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        colour(wish, terminal, &var)
    }

    #[test]
    fn colour_follows_the_option_then_the_environment_then_the_terminal() {
        assert!(decided(Color::Auto, true, &[("TERM", "xterm")]));
        assert!(!decided(Color::Auto, false, &[("TERM", "xterm")]));
        assert!(!decided(Color::Auto, true, &[("TERM", "dumb")]));
        assert!(!decided(Color::Auto, true, &[("NO_COLOR", "1")]));
        assert!(decided(Color::Auto, true, &[("NO_COLOR", "")]));
        assert!(!decided(Color::Auto, true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
        assert!(decided(Color::Auto, false, &[("CLICOLOR_FORCE", "1")]));
        assert!(!decided(Color::Auto, false, &[("CLICOLOR_FORCE", "0")]));
        assert!(!decided(Color::Auto, true, &[("CLICOLOR", "0")]));
        assert!(decided(Color::Always, false, &[("NO_COLOR", "1")]));
        assert!(!decided(Color::Never, true, &[("CLICOLOR_FORCE", "1")]));
    }

    #[test]
    fn an_error_comes_with_every_way_out() {
        let error = Error::new(Kind::Failed, "no \u{1b}[2Jway").help("first").help("second");
        assert_eq!(
            write_all(&error_lines(&error), Style::PLAIN),
            "error: no \\u{1b}[2Jway\n  = help: first\n  = help: second\n"
        );
    }
}
