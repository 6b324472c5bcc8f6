//! Questions to the person at the terminal.

use std::io::{self, BufRead, IsTerminal};

use crate::error::{Error, Kind};
use crate::render::Tone;
use crate::ui::Ui;

/// Wants a word typed; everything else means no.
///
/// # Errors
/// A refusal, when there is nobody to ask or the answer is another one.
pub(crate) async fn ask(ui: &Ui, question: &str, word: &str, instead: &str) -> Result<(), Error> {
    let nobody = match (ui.json, io::stdin().is_terminal()) {
        (true, _) => Some("with `--json` nobody is asked"),
        (false, false) => Some("there is nobody to ask: standard input is not a terminal"),
        (false, true) => None,
    };
    if let Some(nobody) = nobody {
        return Err(
            Error::new(Kind::Refused, nobody).help(format!("to go on without a question, add `--yes`; {instead}"))
        );
    }
    ui.raw(&format!("{question} Type {} to go on: ", ui.err.paint(Tone::Strong, word)));
    // On a thread of its own, so that Ctrl-C is heard meanwhile.
    let answer = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    match answer.await {
        Ok(Ok(answer)) if answer.trim() == word => Ok(()),
        _ => Err(Error::new(Kind::Refused, "not confirmed; nothing was done")),
    }
}
