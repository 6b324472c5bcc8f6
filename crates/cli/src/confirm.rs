//! Questions to the person at the terminal.

use std::io::{self, BufRead, IsTerminal};

use crate::error::{Error, Kind};
use crate::ui::Ui;

/// Asks for a word; everything else means no.
pub(crate) fn ask(ui: &Ui, question: &str, word: &str, instead: &str) -> Result<(), Error> {
    if !io::stdin().is_terminal() {
        return Err(Error::new(Kind::Refused, "there is nobody to ask: standard input is not a terminal")
            .help(format!("to go on without a question, add `--yes`; {instead}")));
    }
    ui.raw(&format!("{question} Type {} to go on: ", ui.err.strong(word)));
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && answer.trim() == word {
        return Ok(());
    }
    Err(Error::new(Kind::Refused, "not confirmed; nothing was done"))
}
