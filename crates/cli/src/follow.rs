//! Follows the deployments that a command has started, until each has its verdict.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};
use std::time::{Duration, Instant};

use hatoba_engine::cloud::CloudError;
use hatoba_provider::rollout::act::{is_over, roll_back};
use hatoba_provider::rollout::observe::Observer;
use hatoba_rollout::ending::Ending;
use hatoba_rollout::follow::{How, Next, Progress, Rollout, Target};
use hatoba_rollout::pause::pause;
use serde_json::Value as Json;
use tokio::sync::watch;

use crate::args::FollowArgs;
use crate::error::{Error, Kind};
use crate::interrupt::{Interrupt, Signal};
use crate::progress::{QUIET, frame, time};
use crate::render::line::Line;
use crate::render::{Tone, rollout as render};
use crate::rests::persist;
use crate::session::Session;
use crate::ui::Ui;

/// What is to be followed.
pub(crate) struct Started<'a> {
    /// The deployments.
    pub(crate) deployments: Vec<Target>,
    /// Whether somebody has pressed Ctrl-C by now.
    pub(crate) interrupted: bool,
    /// The command that brings about what was rolled back.
    pub(crate) again: &'a str,
}

/// What following came to.
pub(crate) struct Followed {
    /// The deployments, for `--json`.
    pub(crate) deployments: Json,
    /// Why not all is well.
    pub(crate) error: Option<Error>,
}

/// What a person at the terminal wants to become of deployments that go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Leave,
    Stop,
}

/// Follows deployments to their verdicts.
pub(crate) async fn follow(
    started: Started<'_>,
    args: &FollowArgs,
    session: &Session,
    ui: &Ui,
    interrupt: &Interrupt,
) -> Followed {
    let interrupted = started.interrupted;
    let mut followed = Follow::new(started, args, session, ui);
    if interrupted && !followed.rollouts.is_empty() {
        let error = followed.left();
        return followed.done(Some(error));
    }
    if args.no_wait || followed.rollouts.is_empty() {
        for rollout in &followed.rollouts {
            let text = format!("{}: the deployment goes on; it is not waited for", rollout.target().address);
            ui.tell(&[Line::new(0).add(Tone::Faint, &text)]);
        }
        return followed.done(None);
    }
    let heard = interrupt.follow();
    let ended = followed.run(heard, interrupt).await;
    interrupt.end();
    followed.erase();
    followed.done(ended.err())
}

struct Follow<'a> {
    rollouts: Vec<Rollout>,
    endings: BTreeMap<usize, Ending>,
    observer: Observer<'a>,
    session: &'a Session,
    ui: &'a Ui,
    longest: Duration,
    began: Instant,
    /// How many lines of the live part are on the screen.
    drawn: usize,
    /// What was told last of each without a terminal, and when.
    told: BTreeMap<usize, (String, Duration)>,
    /// Whether somebody wanted it stopped.
    stopped: bool,
    again: &'a str,
}

impl<'a> Follow<'a> {
    fn new(started: Started<'a>, args: &FollowArgs, session: &'a Session, ui: &'a Ui) -> Self {
        let limits = args.limits();
        Self {
            rollouts: started.deployments.into_iter().map(|target| Rollout::new(target, limits)).collect(),
            endings: BTreeMap::new(),
            observer: Observer::new(session.provider.aws()),
            session,
            ui,
            longest: args.longest(),
            began: Instant::now(),
            drawn: 0,
            told: BTreeMap::new(),
            stopped: false,
            again: started.again,
        }
    }

    /// Looks until every deployment has ended.
    async fn run(&mut self, mut heard: watch::Receiver<Option<Signal>>, interrupt: &Interrupt) -> Result<(), Error> {
        loop {
            let at_once = self.round().await?;
            if self.endings.len() == self.rollouts.len() {
                return Ok(());
            }
            self.draw();
            let rest = pause(self.began.elapsed(), self.rollouts.len() - self.endings.len(), self.longest);
            let rested = tokio::time::sleep(if at_once { Duration::ZERO } else { rest });
            tokio::pin!(rested);
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            loop {
                tokio::select! {
                    biased;
                    Ok(()) = heard.changed() => {
                        let signal = *heard.borrow_and_update();
                        let Some(signal) = signal else { continue };
                        match self.ask(signal).await {
                            Wish::Leave => return Err(self.left()),
                            Wish::Stop => {
                                self.stopped = true;
                                self.rollouts.iter_mut().for_each(Rollout::stop);
                                heard = interrupt.follow();
                                break;
                            }
                        }
                    }
                    () = &mut rested => break,
                    _ = ticks.tick() => self.draw(),
                }
            }
        }
    }

    /// One look at all that have not ended; whether another one should follow at once.
    async fn round(&mut self) -> Result<bool, Error> {
        let open: Vec<usize> = (0..self.rollouts.len()).filter(|at| !self.endings.contains_key(at)).collect();
        let asked: Vec<_> = open
            .iter()
            .filter_map(|at| self.rollouts.get(*at))
            .map(|rollout| (rollout.target(), rollout.wants()))
            .collect();
        let looks = self.observer.look(&asked, self.began.elapsed()).await.map_err(|error| self.blind(error))?;
        let mut at_once = false;
        for (at, look) in open.into_iter().zip(looks) {
            let Some(rollout) = self.rollouts.get_mut(at) else { continue };
            let mut progress = rollout.take(look);
            loop {
                let next = self.tell(at, progress);
                let Next::RollBack(how) = next else {
                    at_once |= next == Next::LookNow;
                    break;
                };
                let failed = self.roll_back(at, &how).await;
                let Some(rollout) = self.rollouts.get_mut(at) else { break };
                progress = rollout.rolled_back(failed);
            }
        }
        Ok(at_once)
    }

    /// Asks ECS to bring back what ran before. This may be asked for again.
    async fn roll_back(&self, at: usize, how: &How) -> Option<(String, bool)> {
        let target = self.rollouts.get(at)?.target();
        let aws = self.session.provider.aws();
        let error = persist(async || roll_back(aws, target, how).await).await.err()?;
        Some((error.to_string(), is_over(&error)))
    }

    /// Says what happened, and keeps an ending.
    fn tell(&mut self, at: usize, progress: Progress) -> Next {
        let Some(address) = self.rollouts.get(at).map(|rollout| rollout.target().address.clone()) else {
            return progress.next;
        };
        let mut lines: Vec<Line> = Vec::new();
        for note in &progress.notes {
            tracing::info!(resource = %address, ?note, "deployment");
            lines.extend(render::note(&address, note));
        }
        if let Next::Ended(ending) = &progress.next {
            let services = &self.session.stack.services;
            let service = address.strip_prefix("service.").and_then(|key| services.get(key));
            let off = service.is_some_and(|service| service.desired_count == Some(0));
            lines.extend(render::ending(&address, ending, off));
            self.endings.insert(at, (**ending).clone());
        }
        if !lines.is_empty() {
            self.erase();
            self.ui.tell(&lines);
        }
        progress.next
    }

    /// The services may not be looked at.
    fn blind(&self, error: CloudError) -> Error {
        let error = Error::from(error);
        let text = "what was started goes on, but it cannot be followed";
        Error { message: format!("{text}: {}", error.message), ..error }
    }

    /// Asks what should become of what goes on; without a terminal, and for a signal that is not a person's, it is left.
    async fn ask(&mut self, signal: Signal) -> Wish {
        self.erase();
        if signal == Signal::Terminate || self.ui.json || !io::stdin().is_terminal() || self.ui.live.is_none() {
            return Wish::Leave;
        }
        let question = "Leave the deployment running, or stop it and bring back what ran before?";
        self.ui.raw(&format!("\n{question} Type {} to stop it: ", self.ui.err.paint(Tone::Strong, "stop")));
        // On a thread of its own, so that the next Ctrl-C is heard meanwhile: it leaves at once.
        let answer = tokio::task::spawn_blocking(|| {
            let mut answer = String::new();
            io::stdin().lock().read_line(&mut answer).map(|_| answer)
        });
        match answer.await {
            Ok(Ok(answer)) if answer.trim() == "stop" => Wish::Stop,
            _ => Wish::Leave,
        }
    }

    fn left(&self) -> Error {
        let open = self.rollouts.iter().enumerate().filter(|(at, _)| !self.endings.contains_key(at));
        let names: Vec<&str> = open.map(|(_, rollout)| rollout.target().address.as_str()).collect();
        let message = format!("interrupted; the deployment of {} goes on", names.join(", "));
        Error::new(Kind::Interrupted, message)
            .help("ECS finishes it, or rolls it back, without hatoba")
            .help(format!("if it is rolled back, bring it about again with: {}", self.again))
    }

    /// What it came to.
    fn done(self, error: Option<Error>) -> Followed {
        let ended = |at: usize| self.endings.get(&at);
        let deployments =
            self.rollouts.iter().enumerate().map(|(at, rollout)| render::json(rollout.target(), ended(at)));
        let bad: Vec<(&str, &Ending)> = self
            .rollouts
            .iter()
            .enumerate()
            .filter_map(|(at, rollout)| Some((rollout.target().address.as_str(), ended(at)?)))
            .filter(|(_, ending)| !ending.verdict.is_good())
            .collect();
        let verdict = (!bad.is_empty()).then(|| render::error(&bad, self.stopped));
        Followed { deployments: deployments.collect(), error: error.or(verdict) }
    }

    fn erase(&mut self) {
        if self.drawn > 0 {
            self.ui.raw(&format!("\u{1b}[{}A\u{1b}[J", self.drawn));
            self.drawn = 0;
        }
    }

    /// Draws how each stands; without a terminal that is told when it has changed, and not too often.
    fn draw(&mut self) {
        let now = self.began.elapsed();
        let open: Vec<(usize, String, String)> = self
            .rollouts
            .iter()
            .enumerate()
            .filter(|(at, _)| !self.endings.contains_key(at))
            .map(|(at, rollout)| (at, rollout.target().address.clone(), rollout.standing()))
            .collect();
        let Some(height) = self.ui.live else {
            for (at, address, standing) in open {
                let (before, told) = self.told.entry(at).or_insert_with(|| (String::new(), now));
                if *before != standing && now.saturating_sub(*told) >= QUIET {
                    self.ui.tell(&[Line::new(0).text(&format!("… {address}: {standing} ({})", time(now)))]);
                    *told = now;
                    *before = standing;
                }
            }
            return;
        };
        self.erase();
        let running: Vec<(String, &str, Duration)> =
            open.iter().map(|(_, address, standing)| (address.clone(), standing.as_str(), now)).collect();
        let lines = frame(&running, (self.endings.len(), self.rollouts.len()), height, self.ui.err);
        self.drawn = lines.len();
        self.ui.raw(&lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }
}
