//! The test proxy as a program, for the demo and the bench: prints its address, then serves until it is killed or, with
//! `--until-eof`, until standard input ends.

use std::fs;
use std::io::{Read, Write, stdin, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use hatoba_tests::emulator::Kind;
use hatoba_tests::error::{HarnessError, Result};
use hatoba_tests::plays::slow::rollout_script::Script;
use hatoba_tests::plays::slow::rollouts::Rollouts;
use hatoba_tests::proxy::{Config, Proxy};

const USAGE: &str = "usage: hatoba-proxy --upstream URL [--listen 127.0.0.1:0] [--latency-ms N] [--log FILE] [--moto]
                    [--account N] [--no-tagging] [--until-eof]
                    [--rollout FILE]

  --upstream URL     the emulator
  --listen ADDRESS   where to listen; port 0 (the default) picks a free one
  --latency-ms N     added to every call
  --log FILE         one line of JSON for each call, times in microseconds
  --moto             the emulator is moto: tell it the account of each call
  --account N        the account of all calls; without it a 12-digit access key names it
  --no-tagging       leave the emulator's tagging API as it is
  --rollout FILE     the next deployment of a service that is there goes as this scenario says (tests/tests/verdicts/scenarios)
  --until-eof        end when standard input ends
The address is printed on standard output. GET /_hatoba_proxy/summary shows calls, depth and counts;
POST /_hatoba_proxy/clear empties the log; POST /_hatoba_proxy/latency/N sets the latency.";

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("hatoba-proxy: {error:?}\n{USAGE}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one place where this program talks")]
fn complain(text: &str) {
    eprintln!("{text}");
}

fn run(arguments: impl Iterator<Item = String>) -> Result<()> {
    let Asked { config, rollout, until_eof } = parse(arguments)?;
    let proxy = Proxy::start(config)?;
    if let Some(script) = rollout {
        let play = Rollouts::to_be_seen(script);
        play.arm_for_update();
        proxy.add_play(Arc::new(play));
    }
    let failed = |e| HarnessError::caused("could not print the address", e);
    let mut out = stdout();
    writeln!(out, "{}", proxy.endpoint()).and_then(|()| out.flush()).map_err(failed)?;
    if until_eof {
        // What is read does not matter, nor how it ends.
        let _ = stdin().read_to_end(&mut Vec::new());
        return Ok(());
    }
    loop {
        thread::park();
    }
}

/// What the command line says.
struct Asked {
    config: Config,
    rollout: Option<Script>,
    until_eof: bool,
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Asked> {
    let mut config = Config::to("");
    let mut rollout = None;
    let mut until_eof = false;
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| HarnessError::new(format!("{name} wants a value")));
        let wrong = |e: &dyn std::fmt::Display| HarnessError::new(format!("the value of {name} is wrong: {e}"));
        match name.as_str() {
            "--upstream" => config.upstream = value()?,
            "--listen" => config.listen = value()?.parse::<SocketAddr>().map_err(|e| wrong(&e))?,
            "--latency-ms" => config.latency = Duration::from_millis(value()?.parse().map_err(|e| wrong(&e))?),
            "--log" => config.log = Some(PathBuf::from(value()?)),
            "--account" => config.account = Some(value()?),
            "--moto" => config.kind = Some(Kind::Moto),
            "--no-tagging" => config.complete_tagging = false,
            "--rollout" => {
                let file = value()?;
                let text =
                    fs::read_to_string(&file).map_err(|e| HarnessError::caused(format!("could not read {file}"), e))?;
                rollout = Some(Script::read(&text)?);
            }
            "--until-eof" => until_eof = true,
            _ => return Err(HarnessError::new(format!("unknown argument {name}"))),
        }
    }
    if config.upstream.is_empty() {
        return Err(HarnessError::new("--upstream is missing"));
    }
    Ok(Asked { config, rollout, until_eof })
}
