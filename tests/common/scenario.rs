//! A random plan, random outcomes and random trouble, all from one seed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use dragnet::executor::fake::{Fault, Operation, Outcome};
use dragnet::model::asset::AssetKind;
use dragnet::model::id::{AttemptName, JobName};
use dragnet::model::plan::{Condition, Gather, OnFailure, ScanOptions, Step};
use dragnet::model::retry::mix;
use dragnet::model::spec::Launch;
use dragnet::store::Verb;

use crate::common::ports::nmap;
use crate::common::reports::gitleaks;
use crate::common::scan::step;

/// Faults that an engine has before it behaves.
const MOST_FAULTS: u64 = 40;

/// Draws from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = mix(self.0);
        self.0 % sides
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    /// Steps that are left of those of the seed.
    kept: Vec<usize>,
    /// Percent of calls that fail.
    fault_rate: u64,
    refusals: bool,
    cancelled: bool,
    pub(crate) lives: Vec<LifePlan>,
}

/// What happens to one driver, by the number of its polls.
#[derive(Debug, Clone)]
pub(crate) struct LifePlan {
    pub(crate) events: Vec<(u64, Event)>,
    /// Whether it is not killed but stopped, and another takes over.
    pub(crate) takeover: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Ask(Verb),
    CutWatches,
    Die,
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut dice = Dice(mix(seed));
        let cancelled = dice.chance(25);
        let fault_rate = if dice.chance(50) { dice.roll(25) } else { 0 };
        let refusals = dice.chance(20);
        let count = dice.roll(4);
        let mut lives: Vec<_> = (0..count).map(|_| LifePlan::of(&mut dice)).collect();
        if cancelled {
            let events = vec![(1 + dice.roll(20), Event::Ask(Verb::Cancel))];
            lives.insert(dice.roll(count + 1) as usize, LifePlan { events, takeover: false });
        }
        let kept = (0..1 + dice.roll(6) as usize).collect();
        Self { seed, kept, fault_rate, refusals, cancelled, lives }
    }

    /// Returns the scenarios with one thing less.
    pub(crate) fn simpler(&self) -> Vec<Self> {
        let mut all = Vec::new();
        let mut change = |change: &dyn Fn(&mut Self)| {
            let mut other = self.clone();
            change(&mut other);
            all.push(other);
        };
        (0..self.lives.len()).for_each(|n| change(&|s| drop(s.lives.remove(n))));
        for n in 0..self.lives.len() {
            (0..self.lives[n].events.len()).for_each(|m| {
                change(&|s| {
                    s.lives[n].events.remove(m);
                });
            });
        }
        (0..self.kept.len()).filter(|_| self.kept.len() > 1).for_each(|n| {
            change(&|s| {
                s.kept.remove(n);
            });
        });
        if self.fault_rate > 0 {
            change(&|s| s.fault_rate = 0);
        }
        all
    }

    /// Returns the same scan without trouble, if its result must be the same.
    pub(crate) fn undisturbed(&self) -> Option<Self> {
        let refused = self.refusals && self.fault_rate > 0;
        let calm = Self { fault_rate: 0, lives: Vec::new(), ..self.clone() };
        // What is begun anew is another attempt, which ends as it pleases.
        let mut events = self.lives.iter().flat_map(|life| &life.events);
        let requeued = events.any(|(_, event)| *event == Event::Ask(Verb::Requeue));
        (!refused && !self.cancelled && !requeued).then_some(calm)
    }

    /// Whether some attempts never end by themselves.
    pub(crate) fn hangs(&self) -> bool {
        self.cancelled
    }

    pub(crate) fn adjust(&self, options: &mut ScanOptions) {
        options.parallelism = 1 + u32::try_from(mix(self.seed) % 6).unwrap();
        options.seed = self.seed;
    }

    pub(crate) fn steps(&self) -> Vec<Step> {
        self.kept.iter().map(|&index| self.step(index)).collect()
    }

    fn step(&self, index: usize) -> Step {
        let mut dice = Dice(mix(self.seed ^ 0x57e9 ^ (index as u64) << 8));
        let mut made = step(&format!("s{index}"));
        if Self::finds_ports(self.seed, index) {
            made.scanner.results[0].format = "nmap".to_owned();
        }
        made.scanner.retry.max_attempts = 3;
        let before: Vec<usize> = self.kept.iter().copied().filter(|&other| other < index && dice.chance(45)).collect();
        made.needs = before.iter().map(|other| format!("s{other}").parse().unwrap()).collect();
        let fed = before.iter().any(|&other| Self::finds_ports(self.seed, other));
        if fed && dice.chance(70) {
            made.for_each = vec![AssetKind::Port];
            made.chunk = 1 + u32::try_from(dice.roll(4)).unwrap();
        }
        made.gather = if dice.chance(50) { Gather::Each } else { Gather::All };
        made.on_failure = [OnFailure::Skip, OnFailure::Continue, OnFailure::Stop][dice.roll(3) as usize];
        if let Some(&other) = before.first().filter(|_| dice.chance(30)) {
            let other_id = format!("s{other}").parse().unwrap();
            let ports = Self::finds_ports(self.seed, other);
            made.when = Some(if ports { Condition::Assets(other_id) } else { Condition::Records(other_id) });
        }
        made
    }

    fn finds_ports(seed: u64, index: usize) -> bool {
        mix(seed ^ 0xa55e ^ (index as u64) << 16) % 2 == 0
    }

    /// Returns what becomes of an attempt. Jobs that get assets succeed sooner or later: which assets share a chunk depends on
    /// the order of things.
    pub(crate) fn outcome(&self, launch: &Launch) -> Outcome {
        let index: usize = launch.job.step.as_str()[1..].parse().unwrap();
        let mut dice = self.dice(&launch.job, launch.attempt);
        let after = Duration::from_millis(dice.roll(4));
        let files = vec![("stdout".to_owned(), self.report(launch, index, &mut dice).into())];
        let gentle = !launch.assets.is_empty() && launch.attempt > 1;
        match dice.roll(14) {
            0 if !gentle => Outcome::Ends { after, code: 9, files },
            1 if !gentle => Outcome::Vanishes,
            2 if !gentle => Outcome::Killed,
            3 if !gentle => Outcome::Ends { after, code: 0, files: vec![("stdout".to_owned(), Vec::new().into())] },
            4 if self.cancelled => Outcome::Hangs { files },
            _ => Outcome::Ends { after, code: 0, files },
        }
    }

    /// Whether an attempt's container is removed by a stranger.
    pub(crate) fn vanishes(&self, job: &JobName, attempt: u32) -> bool {
        let mut dice = self.dice(job, attempt);
        let (_delay, _count) = (dice.roll(4), dice.roll(5));
        dice.roll(14) == 1
    }

    fn dice(&self, job: &JobName, attempt: u32) -> Dice {
        let step = job.step.as_str().bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        Dice(mix(self.seed ^ step ^ u64::from(job.chunk) << 20 ^ u64::from(attempt) << 40))
    }

    fn report(&self, launch: &Launch, index: usize, dice: &mut Dice) -> Vec<u8> {
        let count = dice.roll(5);
        if Self::finds_ports(self.seed, index) {
            let first = if launch.assets.is_empty() { 10 * index as u64 } else { 1000 };
            let ports: Vec<u16> = (first..first + count).map(|port| u16::try_from(port + 1).unwrap()).collect();
            return nmap(if launch.assets.is_empty() { &ports } else { &[] });
        }
        gitleaks(if launch.assets.is_empty() { count as usize } else { launch.assets.len() })
    }

    /// Returns how many records a job's winning attempt brings; none when it looks at assets.
    pub(crate) fn records(&self, job: &JobName, attempt: u32) -> u64 {
        let index: usize = job.step.as_str()[1..].parse().unwrap();
        let mut dice = self.dice(job, attempt);
        let _delay = dice.roll(4);
        if Self::finds_ports(self.seed, index) { 0 } else { dice.roll(5) }
    }

    pub(crate) fn faults(&self) -> impl Fn(Operation, &AttemptName) -> Option<Fault> + Send + Sync + 'static {
        let (rate, refusals, seed) = (self.fault_rate, self.refusals, self.seed);
        let (calls, faults) = (AtomicU64::new(0), AtomicU64::new(0));
        move |_, _| {
            let mut dice = Dice(mix(seed ^ calls.fetch_add(1, Ordering::Relaxed) << 3));
            if !dice.chance(rate) || faults.fetch_add(1, Ordering::Relaxed) >= MOST_FAULTS {
                return None;
            }
            match dice.roll(8) {
                0 if refusals => Some(Fault::Refused),
                0..4 => Some(Fault::Lost),
                _ => Some(Fault::AnswerLost),
            }
        }
    }
}

impl LifePlan {
    fn of(dice: &mut Dice) -> Self {
        let mut events = Vec::new();
        if dice.chance(30) {
            events.push((1 + dice.roll(30), Event::CutWatches));
        }
        if dice.chance(30) {
            let verb = [Verb::Pause, Verb::Freeze, Verb::Requeue][dice.roll(3) as usize];
            events.push((1 + dice.roll(20), Event::Ask(verb)));
        }
        // The first poll has not begun to drive.
        events.push((2 + dice.roll(40), Event::Die));
        Self { events, takeover: dice.chance(25) }
    }
}
