//! What this process uses, as `/proc` tells it; what cannot be read is not told.

use std::fs;

/// What this process uses.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Process {
    /// Seconds of processor time, for itself and in the kernel.
    pub(super) cpu_seconds: Option<f64>,
    /// When it began, in seconds since the Unix epoch.
    pub(super) began: Option<f64>,
    /// Bytes of memory that it has.
    pub(super) resident: Option<u64>,
    /// Bytes of its address space.
    pub(super) mapped: Option<u64>,
    /// Files that it has open.
    pub(super) open_files: Option<u64>,
    /// Files that it may open.
    pub(super) most_files: Option<u64>,
}

impl Process {
    /// Looks at this process.
    pub(super) fn now() -> Self {
        let mut process = fs::read_to_string("/proc/self/stat").map_or_else(|_| Self::default(), |text| of_stat(&text));
        let booted = fs::read_to_string("/proc/stat").ok().and_then(|text| booted(&text));
        process.began = process.began.zip(booted).map(|(began, booted)| began + booted);
        // The directory itself is open while it is read.
        process.open_files = fs::read_dir("/proc/self/fd").ok().map(|all| (all.count() as u64).saturating_sub(1));
        process.most_files = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        process
    }
}

/// Takes `/proc/self/stat` apart (`proc_pid_stat(5)`). The second field, a name, may hold anything; the times are in ticks, the start
/// counts from boot.
fn of_stat(text: &str) -> Process {
    let fields: Vec<&str> = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    // The third field is the first here.
    let field = |number: usize| fields.get(number - 3).and_then(|text| text.parse::<u64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "53 bits of ticks are more than a machine lives")]
    let seconds = |ticks: u64| ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Process {
        cpu_seconds: field(14).zip(field(15)).map(|(own, kernel)| seconds(own + kernel)),
        began: field(22).map(seconds),
        mapped: field(23),
        resident: field(24).map(|pages| pages * rustix::param::page_size() as u64),
        ..Process::default()
    }
}

/// Finds when the machine was booted, in seconds since the Unix epoch.
fn booted(text: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix("btime ")).and_then(|rest| rest.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let text = "7 (a ) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 4 0 1000 8192 3 18446744073709551615";
        let process = of_stat(text);
        let ticks = rustix::param::clock_ticks_per_second();
        assert_eq!(ticks, 100, "as on every system that this runs on");
        assert_eq!((process.cpu_seconds, process.began, process.mapped), (Some(3.0), Some(10.0), Some(8192)));
        assert_eq!(process.resident, Some(3 * rustix::param::page_size() as u64));
    }

    #[test]
    fn this_process_uses_something() {
        let now = Process::now();
        assert!(now.resident > Some(100_000) && now.open_files > Some(2) && now.cpu_seconds.is_some(), "{now:?}");
        let began = now.began.unwrap();
        let present = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64();
        assert!((present - began).abs() < 86_400.0, "{began} is not about {present}");
    }
}
