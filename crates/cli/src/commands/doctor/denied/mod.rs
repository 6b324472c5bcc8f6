//! `hatoba doctor denied`: what a refusal means, and what to add where.

mod advice;
mod text;

use std::path::PathBuf;

use hatoba_model::iam::refusal::{self, Denied};
use hatoba_model::load::{Loaded, STAND_IN_ACCOUNT};
use hatoba_model::names::AccountId;

use super::args::DeniedArgs;
use super::presented::input;
use crate::args::Global;
use crate::error::{Error, Kind};
use crate::session;
use crate::ui::Ui;

/// Explains a message.
pub(crate) fn run(global: &Global, args: &DeniedArgs, ui: &Ui) -> Result<u8, Error> {
    let text = text_of(args)?;
    let Some(denied) = refusal::read(&text) else {
        return Err(Error::new(Kind::Failed, "no refusal of AWS is recognised in this text").help(
            "give the whole message, such as `User: arn:aws:… is not authorized to perform: ecs:UpdateService on resource: …`",
        ));
    };
    let file = if global.file().exists() { Some(session::read(global, ui)?) } else { None };
    let account = |loaded: &Loaded| {
        let named = account_of(&denied).and_then(|account| account.parse::<AccountId>().ok());
        loaded.stack.account.clone().or(named).or_else(|| STAND_IN_ACCOUNT.parse().ok())
    };
    let advice = advice::advise(&denied, file.as_ref().and_then(|file| Some((file, account(&file.loaded)?))));
    if ui.json {
        ui.document(&text::document(&denied, &advice))?;
    } else {
        ui.data(&text::text(&denied, &advice, ui.out))?;
    }
    Ok(0)
}

fn text_of(args: &DeniedArgs) -> Result<String, Error> {
    match args.message.as_slice() {
        [] => input(&PathBuf::from("-")),
        [one] if one == "-" || PathBuf::from(one).is_file() => input(&PathBuf::from(one)),
        words => Ok(words.join(" ")),
    }
}

/// The account of who was refused, or of what was asked for.
fn account_of(denied: &Denied) -> Option<&str> {
    let of = |arn: &str| arn.split(':').nth(4).map(str::len) == Some(12);
    [denied.principal.as_deref(), denied.resource.as_deref()]
        .into_iter()
        .flatten()
        .find(|arn| of(arn))
        .and_then(|arn| arn.split(':').nth(4))
}
