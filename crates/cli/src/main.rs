//! The `hatoba` command.

mod args;
mod commands;
mod confirm;
mod error;
mod graph;
mod progress;
mod render;
mod saved;
mod session;
mod ui;

use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use crate::args::{Cli, Command};
use crate::commands::{apply, destroy, offline, plan};
use crate::error::{Error, Kind};
use crate::ui::Ui;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is a wrong command line.
            let code = if error.use_stderr() { 1 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let ui = Ui::new(&cli.global);
    log(cli.global.verbose);
    let result = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Failed, format!("cannot start: {error}")))
        .and_then(|runtime| {
            let result = runtime.block_on(run(cli, &ui));
            // A name lookup that hangs must not keep us.
            runtime.shutdown_background();
            result
        });
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(error.kind.exit_code())
        }
    }
}

async fn run(mut cli: Cli, ui: &Ui) -> Result<u8, Error> {
    match &cli.command {
        Command::Validate => offline::validate(&cli.global, ui),
        Command::Expand => offline::expand(&cli.global, ui),
        Command::Schema => Ok(offline::schema(ui)),
        Command::Graph(args) => commands::graph::run(&cli.global, args, ui),
        Command::Plan(args) => plan::run(&cli.global, args, ui).await,
        Command::Apply(args) => apply::run(&mut cli.global, args, ui).await,
        Command::Destroy(args) => destroy::run(&cli.global, args, ui).await,
        Command::Completions { shell } => Ok(offline::completions(*shell, ui)),
        Command::Version => Ok(offline::version(ui)),
    }
}

/// `-v` shows what hatoba does, `-vv` what the SDK does; neither shows headers or bodies.
fn log(verbose: u8) {
    let filter = match verbose {
        0 => return,
        1 => "hatoba=info,hatoba_engine=info,hatoba_provider=info",
        _ => "info,hatoba=debug,hatoba_engine=debug,hatoba_provider=debug",
    };
    tracing_subscriber::fmt().with_env_filter(EnvFilter::new(filter)).with_writer(std::io::stderr).without_time().init();
}
