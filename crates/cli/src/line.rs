//! From the words of the command line to what is asked for.

use std::ffi::OsString;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ColorChoice, CommandFactory as _, FromArgMatches as _};

use crate::args::Cli;

/// The command line with what only clap's own builder can say.
pub(crate) fn command() -> clap::Command {
    // Neither has a document. The option is still read there, as everywhere.
    let hidden = || Arg::new("json").long("json").global(true).hide(true).action(ArgAction::SetTrue);
    ["exec", "completions"]
        .into_iter()
        .fold(Cli::command(), |command, name| command.mut_subcommand(name, |command| command.arg(hidden())))
}

/// Reads the command line.
///
/// # Errors
/// What is wrong with it, or the help or the version that was asked for.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let mut command = command().color(colour(&words));
    let matches = command.try_get_matches_from_mut(&words).map_err(|error| with_tip(error, &words))?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// When help and complaints about the command line have colour: they come before the options are known.
fn colour(words: &[OsString]) -> ColorChoice {
    let words: Vec<&str> = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--").collect();
    let apart = words.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1]);
    let wish = apart.chain(words.iter().filter_map(|word| word.strip_prefix("--color="))).last();
    match wish {
        Some("never") => ColorChoice::Never,
        Some("always") => ColorChoice::Always,
        _ => ColorChoice::Auto,
    }
}

/// Says how a stack file is named to somebody who wrote one after the command.
fn with_tip(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let unknown = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) => word.clone(),
        _ => return error,
    };
    if is_stack_file(Path::new(&unknown)) && words.iter().any(|word| word.to_str() == Some(&unknown)) {
        let tip = format!("a stack file goes with `-f`: `-f {unknown}`");
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// Whether a word looks like the name of a stack file.
pub(crate) fn is_stack_file(word: &Path) -> bool {
    word.extension().is_some_and(|ending| ending == "yaml" || ending == "yml")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

    use super::*;

    fn read(line: &str) -> Result<Cli, clap::Error> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn refusal(line: &str) -> String {
        read(line).unwrap_err().to_string()
    }

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn a_stack_file_after_the_command_gets_a_tip() {
        for line in ["hatoba validate infra/stack.yaml", "hatoba plan --json infra/stack.yaml"] {
            assert!(
                refusal(line).contains("tip: a stack file goes with `-f`: `-f infra/stack.yaml`"),
                "{}",
                refusal(line)
            );
        }
        assert!(!refusal("hatoba validate papyrus").contains("`-f`"));
        assert!(!refusal("hatoba validate --nothing").contains("`-f`"));
    }

    #[test]
    fn help_keeps_to_the_wish_for_colour() {
        let coloured = |line: &str| read(line).unwrap_err().render().ansi().to_string().contains('\u{1b}');
        assert!(coloured("hatoba --help"));
        for (line, wish) in [
            ("hatoba --color never --help", ColorChoice::Never),
            ("hatoba plan --help --color=never", ColorChoice::Never),
            ("hatoba --color never --color always --help", ColorChoice::Always),
            ("hatoba run papyrus -- ls --color never", ColorChoice::Auto),
        ] {
            assert_eq!(colour(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>()), wish, "{line}");
        }
    }

    #[test]
    fn json_is_offered_only_where_there_is_a_document() {
        for (name, offered) in [("plan", true), ("run", true), ("exec", false), ("completions", false)] {
            assert_eq!(refusal(&format!("hatoba {name} --help")).contains("--json"), offered, "{name}");
        }
        assert!(read("hatoba exec papyrus --json").unwrap().global.json);
        assert!(read("hatoba --json exec papyrus").unwrap().global.json);
        assert!(!read("hatoba exec papyrus").unwrap().global.json);
        assert!(read("hatoba plan --json").unwrap().global.json);
    }
}
