//! The metrics: names, in one place, and what they are made of. All are found anew for each scrape, at a cost that does not grow with
//! what the state has seen.
//!
//! Where a help says *of the state*, the counter is as old as the state, and counts what any process did; else it begins with the daemon.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::disk::Disk;
use super::process::Process;
use super::text::prometheus;
use super::vitals::{BOUNDS, Vital, Vitals};
use crate::model::severity::Severity;
use crate::store::{Figures, Store};

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// `OpenMetrics` 1.0.
    OpenMetrics,
    /// The text format of Prometheus, 0.0.4.
    Prometheus,
}

impl Form {
    /// Finds out what who asks can read: `OpenMetrics` is what it must name.
    pub(super) fn of<'a>(mut accepted: impl Iterator<Item = &'a str>) -> Self {
        let names = |value: &str| value.to_ascii_lowercase().contains("application/openmetrics-text");
        if accepted.any(names) { Self::OpenMetrics } else { Self::Prometheus }
    }

    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

/// Measures everything.
pub(super) fn scrape(store: &Store, vitals: &Vitals, form: Form) -> Result<String, Box<dyn Error + Send + Sync>> {
    let scrape = Scrape {
        figures: store.figures()?,
        workers: vitals.all(),
        disk: Disk::of(store.dir()).ok(),
        process: Process::now(),
    };
    let mut registry = Registry::default();
    registry.register_collector(Box::new(scrape));
    let mut written = String::with_capacity(16 << 10);
    text::encode(&mut written, &registry)?;
    Ok(match form {
        Form::OpenMetrics => written,
        Form::Prometheus => prometheus(&written),
    })
}

/// What was measured.
#[derive(Debug)]
struct Scrape {
    figures: Figures,
    workers: Vec<(&'static str, Vital)>,
    disk: Option<Disk>,
    process: Process,
}

/// The labels of a sample.
type Labels<'a> = Vec<(&'a str, &'a str)>;

/// Writes families of metrics.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// A counter with a sample for each set of labels; its samples' names end with `_total`.
    fn counters(&mut self, name: &str, help: &str, samples: Vec<(Labels<'_>, u64)>) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
        }
        Ok(())
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    fn gauges(&mut self, name: &str, help: &str, samples: Vec<(Labels<'_>, f64)>) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in samples {
            family.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// A gauge of things that are counted; none when nobody knows.
    fn gauge(&mut self, name: &str, help: &str, value: impl Into<Option<u64>>) -> fmt::Result {
        let Some(value) = value.into() else { return Ok(()) };
        self.0
            .encode_descriptor(name, help, None, MetricType::Gauge)?
            .encode_gauge(&i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn histogram(&mut self, name: &str, help: &str, sum: f64, buckets: &[(f64, u64)]) -> fmt::Result {
        let count = buckets.iter().map(|(_, number)| number).sum();
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<NoLabelSet>(sum, count, buckets, None)
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let page = &mut Page(encoder);
        page.gauges(
            "dragnet_build_info",
            "The version of the daemon; always 1",
            vec![(vec![("version", env!("CARGO_PKG_VERSION"))], 1.0)],
        )?;
        scans(page, &self.figures)?;
        jobs(page, &self.figures)?;
        workers(page, &self.workers)?;
        let waiting =
            self.figures.backlog.iter().map(|(route, number)| (vec![("route", route.as_str())], count(*number)));
        page.gauges(
            "dragnet_notifier_backlog",
            "Notifications that were neither delivered nor given up, by route",
            waiting.collect(),
        )?;
        page.gauge("dragnet_database_size_bytes", "Size of the database with its write-ahead log", self.figures.bytes)?;
        page.gauge(
            "dragnet_state_disk_size_bytes",
            "Size of the disk that the state is on",
            self.disk.map(|disk| disk.size),
        )?;
        page.gauge(
            "dragnet_state_disk_free_bytes",
            "What of it the daemon may still write",
            self.disk.map(|disk| disk.free),
        )?;
        process(page, self.process)
    }
}

fn scans(page: &mut Page<'_>, figures: &Figures) -> fmt::Result {
    let ended = figures.ended.iter().map(|(state, number)| (vec![("status", state.as_str())], *number)).collect();
    page.counters("dragnet_scans", "Scans that have ended, of the state", ended)?;
    let bound = |most: Option<u64>| most.map_or(f64::INFINITY, |most| seconds(Duration::from_millis(most)));
    let took: Vec<(f64, u64)> = figures.took.iter().map(|&(most, scans)| (bound(most), scans)).collect();
    let sum = seconds(Duration::from_millis(figures.took_ms));
    page.histogram(
        "dragnet_scan_duration_seconds",
        "Time from a scan's first job to its end, of the state",
        sum,
        &took,
    )?;
    page.gauge("dragnet_queue_depth", "Scans that wait to be driven", figures.queued)?;
    let findings =
        Severity::ALL.iter().map(|severity| (vec![("severity", severity.as_str())], figures.findings.of(*severity)));
    page.counters("dragnet_findings", "Findings that were new when their scan ended, of the state", findings.collect())
}

/// The kinds of executors that are told apart; what else the database may name is `other`, so that nobody makes labels without end.
const KINDS: [&str; 2] = ["docker", "kubernetes"];

fn jobs(page: &mut Page<'_>, figures: &Figures) -> fmt::Result {
    let kind = |words: &str| KINDS.into_iter().find(|kind| words.split(' ').next() == Some(*kind)).unwrap_or("other");
    let of =
        |wanted: &str| figures.active.iter().filter(|(words, _)| kind(words) == wanted).map(|(_, number)| number).sum();
    let active = KINDS.into_iter().chain(["other"]).map(|kind| (vec![("executor", kind)], count(of(kind)))).collect();
    page.gauges("dragnet_jobs_active", "Jobs with an attempt that has not ended", active)?;
    page.counter("dragnet_job_retries", "Attempts that were not their job's first, of the state", figures.retries)?;
    page.counter("dragnet_attempts_lost", "Attempts that vanished from their engine, of the state", figures.lost)?;
    page.gauge("dragnet_attempts_unknown", "Attempts whose engine cannot be reached", figures.unknown)?;
    page.counter(
        "dragnet_lease_takeovers",
        "Scans taken over from a process that had died or stood still, of the state",
        figures.takeovers,
    )
}

fn workers(page: &mut Page<'_>, workers: &[(&'static str, Vital)]) -> fmt::Result {
    let runs = workers.iter().flat_map(|&(name, ref vital)| {
        [("ok", vital.ok), ("failed", vital.failed)]
            .map(|(outcome, number)| (vec![("worker", name), ("outcome", outcome)], number))
    });
    page.counters("dragnet_worker_runs", "Activations of workers", runs.collect())?;
    let of = |value: &dyn Fn(&Vital) -> f64| {
        workers.iter().map(|(name, vital)| (vec![("worker", *name)], value(vital))).collect()
    };
    page.gauges(
        "dragnet_worker_silence_seconds",
        "Time since the last sign of a worker: the end of an activation, or the begin of the one that goes on",
        of(&|vital| seconds(vital.silent())),
    )?;
    page.gauges(
        "dragnet_worker_period_seconds",
        "How often a worker is to be activated",
        of(&|vital| seconds(vital.period)),
    )?;
    let Some((_, sweeper)) = workers.iter().find(|(name, _)| *name == "sweeper") else { return Ok(()) };
    let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
    let took: Vec<(f64, u64)> = bounds.zip(sweeper.took).collect();
    page.histogram("dragnet_sweep_duration_seconds", "Time that a sweep took", seconds(sweeper.took_in_all), &took)
}

fn process(page: &mut Page<'_>, process: Process) -> fmt::Result {
    if let Some(cpu) = process.cpu_seconds {
        let mut metric = page.0.encode_descriptor(
            "process_cpu_seconds",
            "Processor time of the daemon",
            None,
            MetricType::Counter,
        )?;
        metric.encode_counter::<NoLabelSet, _, u64>(&cpu, None)?;
    }
    if let Some(began) = process.began {
        let help = "When the daemon began, since the Unix epoch";
        page.0.encode_descriptor("process_start_time_seconds", help, None, MetricType::Gauge)?.encode_gauge(&began)?;
    }
    page.gauge("process_resident_memory_bytes", "Memory of the daemon", process.resident)?;
    page.gauge("process_virtual_memory_bytes", "Address space of the daemon", process.mapped)?;
    page.gauge("process_open_fds", "Files that the daemon has open", process.open_files)?;
    page.gauge("process_max_fds", "Files that it may have open", process.most_files)
}

const fn seconds(time: Duration) -> f64 {
    time.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "fewer things run or wait than 53 bits count")]
const fn count(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_are_for_those_who_name_them() {
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(Form::of([prometheus].into_iter()), Form::OpenMetrics);
        assert_eq!(Form::of(["*/*"].into_iter()), Form::Prometheus);
        assert_eq!(Form::of([].into_iter()), Form::Prometheus);
    }
}
