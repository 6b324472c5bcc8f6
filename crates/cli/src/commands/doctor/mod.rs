//! `hatoba doctor`: why something does not work, and what to do about it. Nothing here changes anything.

mod account;
pub(crate) mod args;
mod denied;
mod judge;
mod oidc;
mod oidc_json;
mod oidc_text;
mod presented;
mod repository;
mod roles;

use crate::args::Global;
use crate::error::Error;
use crate::ui::Ui;

use args::{DoctorArgs, Topic};

/// Answers the question.
pub(crate) async fn run(global: &Global, args: &DoctorArgs, ui: &Ui) -> Result<u8, Error> {
    match &args.topic {
        None => account::run(global, ui).await,
        Some(Topic::Oidc(args)) => oidc::run(global, args, ui).await,
        Some(Topic::Denied(args)) => denied::run(global, args, ui),
    }
}
