//! What the scanner used, and whether memory ran out.

use nix::sys::resource::{UsageWho, getrusage};

/// Counters of killed processes as a container sees its own group: version 2, then version 1.
const COUNTERS: [&str; 2] = ["/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"];

/// Returns how many processes of this group were killed for want of memory; `None` where the kernel does not say.
pub(super) fn oom_kills() -> Option<u64> {
    COUNTERS.iter().find_map(|path| parse_oom_kills(&std::fs::read_to_string(path).ok()?))
}

fn parse_oom_kills(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
}

/// Returns processor time in milliseconds and greatest resident memory in bytes of all children that have ended.
pub(super) fn of_children() -> (u64, u64) {
    let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return (0, 0) };
    let (user, system) = (usage.user_time(), usage.system_time());
    let microseconds = (user.tv_sec() + system.tv_sec()) * 1_000_000 + user.tv_usec() + system.tv_usec();
    let whole = |number: i64| u64::try_from(number).unwrap_or(0);
    (whole(microseconds / 1000), whole(usage.max_rss()) * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_of_control_groups_are_read() {
        assert_eq!(parse_oom_kills("low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n"), Some(2));
        assert_eq!(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"), Some(7));
        assert_eq!(parse_oom_kills("oom_kill_disable 0\nunder_oom 0\n"), None, "kernels before 4.13");
    }
}
