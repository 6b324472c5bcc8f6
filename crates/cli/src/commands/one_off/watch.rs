//! Follows a task to its end: how it stands, and what its containers write.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hatoba_engine::cloud::CloudError;
use hatoba_provider::log_events::LogEvent;
use hatoba_provider::one_off::start::stop_task;
use hatoba_provider::rollout::logs::from;
use hatoba_provider::rollout::tasks::describe;
use hatoba_rollout::note::TaskNow;
use hatoba_rollout::one_off::{End, end, has_run, now};
use hatoba_rollout::pause::{LONGEST, pause};
use hatoba_rollout::state::Task;
use tokio::sync::watch;

use super::args::RunArgs;
use super::launch::Launch;
use super::run::passes;
use crate::error::{Error, Kind};
use crate::interrupt::Signal;
use crate::purpose::{Purpose, refused};
use crate::render::logs::Streams;
use crate::render::{missing, one_off as render};
use crate::rests::persist;
use crate::session::Session;
use crate::ui::Ui;

/// How often new lines are asked for: CloudWatch Logs takes 25 requests a second for an account and region.
const LINES: Duration = Duration::from_secs(2);
/// How many parts of a stream are read at once.
const PARTS: usize = 100;
/// How long to wait for the last lines between two reads, and how often.
const LATE: Duration = Duration::from_secs(1);
const TRIES: usize = 5;
/// How many lines are kept to tell a cause from.
const KEPT: usize = 10;
/// After how long a task that ECS does not tell of is given up.
const LOST: Duration = Duration::from_secs(60);

/// Why a task was stopped from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Somebody pressed Ctrl-C, or sent SIGTERM.
    Interrupted,
    /// It took too long.
    TooLong,
}

/// A stream that is read.
struct Reader {
    container: String,
    group: String,
    stream: String,
    place: Option<String>,
}

/// A task that is followed.
pub(super) struct Watch<'a> {
    session: &'a Session,
    ui: &'a Ui,
    launch: &'a Launch,
    task: Task,
    began: Instant,
    readers: Vec<Reader>,
    /// Whether each line says of which container it is.
    several: bool,
    streams: Streams,
    /// The last lines of the container that counts.
    kept: VecDeque<String>,
    told: Option<TaskNow>,
    /// Since when ECS does not tell of it.
    lost: Option<Instant>,
    /// Whether it was said that a read failed.
    unread: bool,
    why: Option<Why>,
    /// The command that stops it.
    stop_with: String,
}

impl<'a> Watch<'a> {
    /// A task that was just started.
    pub(super) fn new(session: &'a Session, ui: &'a Ui, launch: &'a Launch, task: Task, stop_with: String) -> Self {
        let here = session.facts().region.as_str();
        let readers: Vec<Reader> = launch
            .definition
            .containers
            .iter()
            .filter_map(|part| {
                let place = part.logs.as_ref().filter(|it| it.region.as_deref().is_none_or(|region| region == here))?;
                let stream = place.stream(&part.name, &task.id);
                Some(Reader { container: part.name.clone(), group: place.group.clone(), stream, place: None })
            })
            .collect();
        if !readers.iter().any(|reader| reader.container == launch.container) {
            ui.tell(&render::no_log(&launch.container));
        }
        Self {
            session,
            ui,
            launch,
            task,
            began: Instant::now(),
            several: readers.len() > 1,
            readers,
            streams: Streams::default(),
            kept: VecDeque::new(),
            told: None,
            lost: None,
            unread: false,
            why: None,
            stop_with,
        }
    }

    /// As it was seen last.
    pub(super) fn task(&self) -> &Task {
        &self.task
    }

    /// How long it has been followed.
    pub(super) fn took(&self) -> Duration {
        self.began.elapsed()
    }

    /// Why it was stopped from here, if it was.
    pub(super) fn why(&self) -> Option<Why> {
        self.why
    }

    /// Looks until it has stopped. The first signal stops it.
    ///
    /// # Errors
    /// When it cannot be read or stopped: it goes on.
    pub(super) async fn run(
        &mut self,
        mut heard: watch::Receiver<Option<Signal>>,
        args: &RunArgs,
    ) -> Result<End, Error> {
        let longest = args.every.unwrap_or(LONGEST);
        loop {
            self.look().await?;
            if has_run(&self.task) {
                self.read().await;
            }
            if self.task.has_stopped() {
                self.drain(longest).await;
                let kept: Vec<String> = self.kept.iter().cloned().collect();
                return Ok(end(&self.task, &self.launch.container, &kept));
            }
            let mut rest = pause(self.took(), 1, longest);
            if has_run(&self.task) {
                rest = rest.min(LINES);
            }
            if let Some(limit) = args.timeout.filter(|_| self.why.is_none()) {
                let left = limit.saturating_sub(self.took());
                if left.is_zero() {
                    self.stop(Why::TooLong).await?;
                }
                rest = rest.min(left.max(Duration::from_millis(10)));
            }
            tokio::select! {
                biased;
                Ok(()) = heard.changed(), if self.why.is_none() => self.stop(Why::Interrupted).await?,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// One look at it.
    async fn look(&mut self) -> Result<(), Error> {
        let arns = [self.task.arn.clone()];
        match describe(self.session.provider.aws(), &self.launch.start.cluster, &arns).await {
            Ok(found) => match found.into_iter().next() {
                Some(task) => {
                    self.task = task;
                    self.lost = None;
                }
                // A task that was started a moment ago is not known everywhere yet.
                None if self.lost.get_or_insert_with(Instant::now).elapsed() > LOST => {
                    let message =
                        format!("ECS does not tell of the task {} any more; how it ended is not known", self.task.id);
                    return Err(Error::new(Kind::Failed, message));
                }
                None => {}
            },
            Err(error) if passes(error.class) => self.complain(&error),
            Err(error) => return Err(self.blind(error)),
        }
        let now = now(&self.task);
        if self.told.as_ref() != Some(&now) {
            self.ui.tell(&render::note(&self.task, &now));
            self.told = Some(now);
        }
        Ok(())
    }

    fn complain(&mut self, error: &CloudError) {
        tracing::info!(%error, "the task was not read");
        if !self.unread {
            self.unread = true;
            self.ui.tell(&render::unread(&error.to_string()));
        }
    }

    /// The task may not be looked at.
    fn blind(&self, error: CloudError) -> Error {
        let error = refused(self.session, Purpose::Run)(error);
        let message = format!("the task goes on, but it cannot be followed: {}", error.message);
        Error { message, ..error }.help(format!("to stop it: {}", self.stop_with))
    }

    /// Prints what was written since the last read; whether there was something.
    async fn read(&mut self) -> bool {
        let mut found: Vec<LogEvent> = Vec::new();
        let mut gone: Vec<(usize, CloudError)> = Vec::new();
        for (at, reader) in self.readers.iter_mut().enumerate() {
            for _ in 0..PARTS {
                let place = reader.place.as_deref();
                match from(self.session.provider.aws(), &reader.group, &reader.stream, place).await {
                    Ok(page) => {
                        found.extend(page.events.into_iter().map(|(at, message)| LogEvent {
                            id: String::new(),
                            at,
                            stream: reader.stream.clone(),
                            message,
                        }));
                        if page.next.is_none() || page.next == reader.place {
                            break;
                        }
                        reader.place = page.next;
                    }
                    Err(error) if passes(error.class) => break,
                    Err(error) => {
                        gone.push((at, error));
                        break;
                    }
                }
            }
        }
        for (at, error) in gone.into_iter().rev() {
            // Without its log the task ends all the same.
            self.readers.remove(at);
            let error = refused(self.session, Purpose::Run)(error);
            self.ui.tell(&render::unread(&error.message));
            self.ui.tell(&missing::lines(&error.missing));
        }
        found.sort_by_key(|event| event.at);
        for event in &found {
            if event.stream.rsplit('/').nth(1) == Some(self.launch.container.as_str()) {
                self.kept.push_back(event.message.clone());
                if self.kept.len() > KEPT {
                    self.kept.pop_front();
                }
            }
        }
        let lines: Vec<_> =
            found.iter().flat_map(|event| render::log(event, self.several, &mut self.streams)).collect();
        if self.ui.json {
            self.ui.tell(&lines);
        } else if self.ui.show(&lines).is_err() {
            // Nobody reads it any more; the task ends all the same.
            self.readers.clear();
        }
        !found.is_empty()
    }

    /// CloudWatch shows the last lines a moment after they were written.
    async fn drain(&mut self, longest: Duration) {
        if !has_run(&self.task) || self.readers.is_empty() {
            return;
        }
        for _ in 0..TRIES {
            tokio::time::sleep(LATE.min(longest)).await;
            let silent = self.kept.is_empty();
            if !self.read().await && !silent {
                return;
            }
        }
    }

    /// Stops the task. Then it is followed to its end.
    async fn stop(&mut self, why: Why) -> Result<(), Error> {
        let reason = match why {
            Why::Interrupted => "hatoba run was interrupted",
            Why::TooLong => "it ran longer than the --timeout of hatoba run",
        };
        self.ui.tell(&render::stopping(why == Why::Interrupted, &self.stop_with));
        let (aws, cluster) = (self.session.provider.aws(), &self.launch.start.cluster);
        let stopped = persist(async || stop_task(aws, cluster, &self.task.arn, reason).await).await;
        stopped.map_err(|error| {
            let kind = if why == Why::Interrupted { Kind::Interrupted } else { Kind::Deployment };
            let error = refused(self.session, Purpose::Run)(error);
            let message = format!("the task could not be stopped and goes on: {}", error.message);
            Error { kind, message, ..error }.help(format!("to stop it: {}", self.stop_with))
        })?;
        self.why = Some(why);
        Ok(())
    }
}
