//! The `hatoba` command.

mod above;
mod args;
mod carry;
mod commands;
mod confirm;
mod cost;
mod duration;
mod error;
mod files;
mod follow;
mod graph;
mod interrupt;
mod line;
mod progress;
mod provenance;
mod purpose;
mod readers;
mod remarks;
mod render;
mod rests;
mod rotation;
mod saved;
mod session;
mod tidy;
mod ui;

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::args::{ApplyArgs, Cli, Command, Global};
use crate::commands::{
    apply, cost as price, deploy, destroy, doctor, github, graph as draw, logs, offline, one_off, permissions, plan,
    power, prune, rollback, status, verify,
};
use crate::error::{Error, Kind};
use crate::interrupt::Interrupt;
use crate::saved::Saved;
use crate::ui::Ui;

fn main() -> ExitCode {
    let cli = match line::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap's own code for the others, 2, means something else here.
            let code = u8::from(error.use_stderr());
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let ui = Ui::new(&meant(&cli));
    log(cli.global.verbose, ui.err.colour);
    let code = start(cli, &ui).unwrap_or_else(|error| {
        ui.error(&error);
        error.kind.exit_code()
    });
    ExitCode::from(code)
}

/// The options of the run, with those of the saved plan that is to be applied: advice is about the same stack.
fn meant(cli: &Cli) -> Global {
    let mut global = cli.global.clone();
    // One that cannot be read is told of by the command.
    if let Command::Apply(ApplyArgs { saved: Some(path), .. }) = &cli.command
        && let Ok(saved) = Saved::read(path)
    {
        saved.fill(&mut global);
    }
    global
}

fn start(cli: Cli, ui: &Ui) -> Result<u8, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::new(Kind::Failed, format!("cannot start: {error}")))?;
    let interrupt = Interrupt::new();
    let result = runtime.block_on(async {
        tokio::select! {
            result = run(cli, ui, &interrupt) => result,
            () = interrupt.leave(ui) => Err(interrupt.left()),
        }
    });
    // Neither a name lookup that hangs nor a question that waits for its answer must keep us.
    runtime.shutdown_background();
    result
}

async fn run(cli: Cli, ui: &Ui, interrupt: &Interrupt) -> Result<u8, Error> {
    let Cli { global, command } = cli;
    match command {
        Command::Validate => offline::validate(&global, ui),
        Command::Expand => offline::expand(&global, ui),
        Command::Schema => offline::schema(ui),
        Command::Graph(args) => draw::run(&global, &args, ui),
        Command::Plan(args) => plan::run(&global, &args, ui).await,
        Command::Apply(args) => apply::run(global, &args, ui, interrupt).await,
        Command::Deploy(args) => deploy::run(&global, &args, ui, interrupt).await,
        Command::Down(args) => power::down(&global, &args, ui, interrupt).await,
        Command::Up(args) => power::up(&global, &args, ui, interrupt).await,
        Command::Status(args) => status::run(&global, &args, ui).await,
        Command::Logs(args) => logs::run(&global, &args, ui).await,
        Command::Run(args) => one_off::run::run(&global, &args, ui, interrupt).await,
        Command::Exec(args) => one_off::exec::run(&global, &args, ui).await,
        Command::Rollback(args) => rollback::run(&global, &args, ui, interrupt).await,
        Command::Destroy(args) => destroy::run(&global, &args, ui, interrupt).await,
        Command::Prune(args) => prune::run(&global, &args, ui).await,
        Command::Doctor(args) => doctor::run(&global, &args, ui).await,
        Command::Github { command } => github::run(&global, &command, ui).await,
        Command::Verify => verify::run(&global, ui).await,
        Command::Permissions(args) => permissions::run(&global, &args, ui).await,
        Command::Cost(args) => price::run(&global, &args, ui),
        Command::Completions { shell } => offline::completions(shell, ui),
        Command::Version => offline::version(ui),
    }
}

/// `-v` shows what hatoba does, `-vv` more of it. The SDK is left out: its events can hold headers and bodies.
fn log(verbose: u8, colour: bool) {
    let level = match verbose {
        0 => return,
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = ["hatoba", "hatoba_model", "hatoba_engine", "hatoba_provider"].map(|name| format!("{name}={level}"));
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter.join(",")))
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .without_time()
        .init();
}
