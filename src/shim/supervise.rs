//! Watching over the running scanner: its limits, its end, and orders to stop it.

use std::fs::File;
use std::io::{self, Read, Write as _};
use std::process::Child;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitStatus};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;

use super::attempt::{Attempt, FILE_MODE};
use super::lines::Lines;
use super::log::{Cut, Log};
use super::process::{self, OomScore, Reaped};
use super::walk;
use crate::beneath;
use crate::model::manifest::{ExitCause, LogStream};
use crate::model::spec::files;

/// Between two looks at the results' size and the cancel file.
const TICK: Duration = Duration::from_millis(500);
/// Waking later than this is no matter of a busy machine.
const FREEZE: Duration = Duration::from_secs(2);
/// How long the ends of the scanner's streams are waited for when all its processes are gone.
const DRAIN: Duration = Duration::from_secs(5);

/// How the scanner ended.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Why.
    pub cause: ExitCause,
    /// Its status; none if it was never started, or could not be killed.
    pub status: Option<WaitStatus>,
}

enum Event {
    Signal(i32),
    OutputFull,
    StreamEnded,
}

/// Orders that arrive as signals; registered before the claim, because the first process of a container is deaf to
/// signals that it does not handle.
pub(super) struct Orders {
    sender: Sender<Event>,
    events: Receiver<Event>,
}

impl Orders {
    /// Starts to listen.
    pub(super) fn listen() -> io::Result<Self> {
        let (sender, events) = channel();
        let mut signals = Signals::new([SIGCHLD, SIGTERM, SIGINT, SIGQUIT])?;
        let signalled = sender.clone();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                if signalled.send(Event::Signal(signal)).is_err() {
                    break;
                }
            }
        });
        Ok(Self { sender, events })
    }
}

/// Runs the scanner to its end and leaves no process behind.
pub(super) fn run(attempt: &Attempt, log: &Arc<Log>, orders: &Orders, score: &OomScore) -> Outcome {
    let mut child = match process::start(attempt, score) {
        Ok(child) => child,
        Err(error) => {
            let message = error.to_string();
            log.note(&format!("not started: {message}"));
            return Outcome { cause: ExitCause::NotStarted { message }, status: None };
        }
    };
    let streams = read_streams(attempt, &mut child, log, &orders.sender);
    let leader = Pid::from_child(&child);
    let now = Instant::now();
    let mut supervisor = Supervisor {
        attempt,
        log,
        leader,
        status: None,
        cause: None,
        deadline: now.checked_add(Duration::from_millis(attempt.job.timeout_ms)),
        kill_at: None,
        next_tick: now + TICK,
        open_streams: streams,
    };
    supervisor.watch(&orders.events);
    process::kill_and_reap_everything();
    supervisor.drain(&orders.events);
    Outcome { cause: supervisor.cause.unwrap_or(ExitCause::Ended), status: supervisor.status }
}

struct Supervisor<'a> {
    attempt: &'a Attempt,
    log: &'a Log,
    leader: Pid,
    status: Option<WaitStatus>,
    /// Set with the first reason to stop the scanner.
    cause: Option<ExitCause>,
    deadline: Option<Instant>,
    kill_at: Option<Instant>,
    next_tick: Instant,
    open_streams: usize,
}

impl Supervisor<'_> {
    fn watch(&mut self, events: &Receiver<Event>) {
        while self.status.is_none() {
            let wake = [self.deadline, self.kill_at].into_iter().flatten().fold(self.next_tick, Instant::min);
            let event = events.recv_timeout(wake.saturating_duration_since(Instant::now()));
            let frozen = frozen_for(wake, Instant::now());
            self.deadline = self.deadline.and_then(|deadline| deadline.checked_add(frozen));
            match event {
                Ok(Event::Signal(SIGCHLD)) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
                Ok(Event::Signal(_)) => self.stop(ExitCause::Stopped, self.attempt.cancel_grace_ms()),
                Ok(Event::OutputFull) => self.stop(ExitCause::OutputLimit, None),
                Ok(Event::StreamEnded) => self.open_streams -= 1,
            }
            if self.reap() == Children::AllGone {
                break;
            }
            self.check(Instant::now());
        }
    }

    fn check(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.deadline = None;
            self.stop(ExitCause::TimeLimit, None);
        }
        if self.kill_at.is_some_and(|kill_at| now >= kill_at) {
            self.log.note("killing what did not stop");
            process::kill_everything();
            // Again after a while, for what was forked in between.
            self.kill_at = now.checked_add(TICK);
        }
        if now >= self.next_tick {
            self.next_tick = now + TICK;
            if let Some(grace) = self.attempt.cancel_grace_ms() {
                self.stop(ExitCause::Stopped, Some(grace));
            }
            if self.cause.is_none() && walk::total(&self.attempt.root, files::WORK) > self.attempt.job.output_limit {
                self.stop(ExitCause::OutputLimit, None);
            }
        }
    }

    /// Asks the scanner to stop. The first reason counts; a later order can only shorten the grace.
    fn stop(&mut self, cause: ExitCause, grace_ms: Option<u64>) {
        let grace = Duration::from_millis(grace_ms.unwrap_or(self.attempt.job.grace_ms));
        let kill_at = Instant::now().checked_add(grace);
        self.kill_at = match (self.kill_at, kill_at) {
            (Some(old), Some(new)) => Some(old.min(new)),
            (old, new) => old.or(new),
        };
        if self.cause.is_none() {
            self.log.note(match cause {
                ExitCause::TimeLimit => "the time limit passed; stopping the scanner",
                ExitCause::OutputLimit => "the results are over their limit; stopping the scanner",
                _ => "stopping the scanner as told",
            });
            self.cause = Some(cause);
            process::signal_group(self.leader, Signal::TERM);
        }
    }

    fn reap(&mut self) -> Children {
        loop {
            match process::reap() {
                Reaped::Ended(pid, status) if pid == self.leader => self.status = Some(status),
                Reaped::Ended(..) => {}
                Reaped::NoneEnded => return Children::Living,
                Reaped::NoChildren => return Children::AllGone,
            }
        }
    }

    /// Waits for the streams to be read to their ends.
    fn drain(&mut self, events: &Receiver<Event>) {
        let end = Instant::now() + DRAIN;
        while self.open_streams > 0 {
            match events.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(Event::StreamEnded) => self.open_streams -= 1,
                Ok(Event::OutputFull) if self.cause.is_none() => self.cause = Some(ExitCause::OutputLimit),
                Ok(_) => {}
                Err(_) => {
                    self.log.note("a stream of the scanner did not end");
                    return;
                }
            }
        }
    }
}

/// Returns how long this process, and with it the scanner, was frozen: waking much later than planned has no other cause.
/// A paused scan must not find its time used up.
fn frozen_for(wake: Instant, woken: Instant) -> Duration {
    let late = woken.saturating_duration_since(wake);
    if late > FREEZE { late } else { Duration::ZERO }
}

#[derive(PartialEq, Eq)]
enum Children {
    Living,
    AllGone,
}

/// Starts a thread for each stream and returns how many there are.
fn read_streams(attempt: &Attempt, child: &mut Child, log: &Arc<Log>, events: &Sender<Event>) -> usize {
    let capture = attempt.captures_stdout().then(|| beneath::create(&attempt.root, files::STDOUT, FILE_MODE));
    let limit = attempt.job.output_limit;
    let mut started = 0;
    if let Some(stdout) = child.stdout.take() {
        let (log, events) = (Arc::clone(log), events.clone());
        started += 1;
        std::thread::spawn(move || {
            match capture {
                None => read_lines(stdout, LogStream::Stdout, &log),
                Some(file) => {
                    let fits = file.and_then(|file| capture_bytes(stdout, &file, limit));
                    if !fits.unwrap_or(false) {
                        events.send(Event::OutputFull).ok();
                    }
                }
            }
            events.send(Event::StreamEnded).ok();
        });
    }
    if let Some(stderr) = child.stderr.take() {
        let (log, events) = (Arc::clone(log), events.clone());
        started += 1;
        std::thread::spawn(move || {
            read_lines(stderr, LogStream::Stderr, &log);
            events.send(Event::StreamEnded).ok();
        });
    }
    started
}

fn read_lines(mut stream: impl Read, kind: LogStream, log: &Log) {
    let mut buffer = vec![0; 64 * 1024];
    let mut lines = Lines::default();
    let mut batch: Vec<Cut> = Vec::new();
    loop {
        let read = match stream.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(0) | Err(_) => break,
            Ok(read) => read,
        };
        lines.push(&buffer[..read], |line, partial| batch.push((line.to_vec(), partial)));
        log.append(kind, &batch);
        batch.clear();
    }
    lines.finish(|line, partial| batch.push((line.to_vec(), partial)));
    log.append(kind, &batch);
}

/// Copies a stream to a file; returns whether all of it fitted. Reads on behind the limit only when the scanner is dead, so
/// that one which writes without end is held up until it is stopped.
fn capture_bytes(mut stream: impl Read, mut file: &File, limit: u64) -> io::Result<bool> {
    let copied = io::copy(&mut stream.by_ref().take(limit), &mut file)?;
    file.flush()?;
    let mut beyond = [0];
    Ok(copied < limit || matches!(stream.read(&mut beyond), Ok(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_long_delay_counts_as_frozen() {
        let wake = Instant::now();
        assert_eq!(frozen_for(wake, wake), Duration::ZERO);
        assert_eq!(frozen_for(wake, wake + FREEZE), Duration::ZERO);
        assert_eq!(frozen_for(wake, wake + Duration::from_mins(5)), Duration::from_mins(5));
        assert_eq!(frozen_for(wake + Duration::from_mins(5), wake), Duration::ZERO);
    }
}
