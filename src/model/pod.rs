//! What a pod of one attempt is made of: its directories, its order, and what each of its processes is told.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::spec::{Launch, ShimJob};

/// Where a pod's processes find things. `scan` has them at the places of [`super::spec::paths`].
pub mod paths {
    /// Above all others; what the verbs of a pod take as their directory.
    pub const ROOT: &str = "/dragnet";
    /// The shim's executable, relative to the root.
    pub const SHIM: &str = "bin/dragnet";
    /// The attempt's own directory, relative to the root.
    pub const OUT: &str = "out";
    /// Trees, each at its place below, relative to the root.
    pub const TREES: &str = "in";
    /// The [`super::Order`], relative to the root.
    pub const ORDER: &str = "job/job.json";
    /// The [`crate::model::upload::Upload`], in the keeper only and only if there is one, relative to the root.
    pub const UPLOAD: &str = "upload/upload.json";
    /// A volume that outlives the pod, in the keeper only and only if there is one, relative to the root. Each attempt that has sealed
    /// results on it has a directory of its name there.
    pub const KEPT: &str = "kept";
}

/// The annotation that holds a pod's [`Order`].
pub const ANNOTATION: &str = "dragnet.dev/job";
/// The place of the source snapshot among the trees.
pub const SOURCE: &str = "src";

/// Returns the place of a database among the trees.
pub fn data_place(name: &str) -> String {
    format!("data/{name}")
}

/// What a pod is to do: read before anything runs in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Protocol version, [`ShimJob::VERSION`].
    pub version: u32,
    /// The job and its input; none when they are too long for an annotation and are delivered.
    pub job: Option<Inline>,
    /// Places of the trees that are delivered, relative to [`paths::TREES`].
    pub trees: Vec<String>,
}

/// A job that fits into its pod's order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inline {
    /// The job.
    pub job: ShimJob,
    /// The chunk's assets, one per line.
    pub input: String,
}

impl Order {
    /// Longest order, in bytes: annotations together may have 256 KiB.
    pub const MAX_BYTES: usize = 200 * 1024;

    /// Makes the order of a launch whose job is made already.
    pub fn of(launch: &Launch, job: ShimJob) -> Self {
        let source = launch.spec.source.map(|_| SOURCE.to_owned());
        let data = launch.spec.data.iter().map(|tree| data_place(&tree.name));
        let job = Inline { job, input: launch.input() };
        let order = Self { version: ShimJob::VERSION, job: Some(job), trees: source.into_iter().chain(data).collect() };
        if order.to_text().len() <= Self::MAX_BYTES { order } else { Self { job: None, ..order } }
    }

    /// Returns the annotation's value.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether the pod waits for a client that delivers what is not in the order.
    pub const fn needs_delivery(&self) -> bool {
        self.job.is_none() || !self.trees.is_empty()
    }
}

/// What a process of a pod does; the verbs after `shim`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Before the scanner: puts the shim, the job and its inputs in place, and ends.
    Prepare {
        /// Longest wait for the delivery.
        wait: Duration,
    },
    /// Takes a delivery over its standard streams.
    Receive,
    /// Beside the scanner and after it: seals what nobody sealed and keeps it.
    Keep {
        /// Longest wait for the scanner to start.
        start: Duration,
        /// How long results are kept that nobody acknowledges.
        hold: Duration,
    },
    /// Gives results and log over its standard streams.
    Serve,
    /// In a pod that shows what the network lets through: greets everybody who connects to [`reach::PORT`].
    Listen {
        /// For how long.
        span: Duration,
    },
    /// In another such pod: connects there again and again, and says over its standard output how each try went.
    Reach {
        /// The one that listens.
        to: SocketAddr,
        /// For how long.
        span: Duration,
    },
    /// In a pod of its own, after the attempt's is gone: stays for the sessions that come for what lies on a volume.
    Lend {
        /// How long.
        hold: Duration,
    },
    /// Gives, over its standard streams, the results in the directory of a volume that bears the attempt's name.
    Lent,
}

/// How one pod tries to reach another.
pub mod reach {
    use std::time::Duration;

    /// Where the other one listens. Pods have ports of their own.
    pub const PORT: u16 = 7117;
    /// What it says to everybody who connects: a proxy that takes connections for others does not know it.
    pub const GREETING: &[u8] = b"dragnet reach 1\n";
    /// Longest wait for a connection, and for the greeting.
    pub const PATIENCE: Duration = Duration::from_secs(1);
    /// Between two tries.
    pub const PAUSE: Duration = Duration::from_millis(300);
    /// Stands for a try that got the greeting.
    pub const REACHED: u8 = b'+';
    /// Stands for a try that did not.
    pub const MISSED: u8 = b'-';
}

impl Role {
    /// Returns the arguments behind the program's name.
    pub fn arguments(self) -> Vec<String> {
        let flag = |name: &str, span: Duration| [format!("--{name}-ms"), span.as_millis().to_string()];
        let (verb, flags) = match self {
            Self::Prepare { wait } => ("prepare", flag("wait", wait).to_vec()),
            Self::Receive => ("receive", Vec::new()),
            Self::Keep { start, hold } => ("keep", [flag("start", start), flag("hold", hold)].concat()),
            Self::Serve => ("serve", Vec::new()),
            Self::Listen { span } => ("listen", flag("for", span).to_vec()),
            Self::Reach { to, span } => ("reach", [["--to".to_owned(), to.to_string()], flag("for", span)].concat()),
            Self::Lend { hold } => ("lend", flag("hold", hold).to_vec()),
            Self::Lent => ("lent", Vec::new()),
        };
        ["shim".to_owned(), verb.to_owned()].into_iter().chain(flags).collect()
    }

    /// Reads what follows `shim`: the role, and the directory behind it if there is one.
    pub fn parse<'a>(arguments: &[&'a str]) -> Option<(Self, Option<&'a str>)> {
        let span = |text: &str| text.parse().ok().map(Duration::from_millis);
        let (role, rest) = match *arguments {
            ["prepare", "--wait-ms", wait, ref rest @ ..] => (Self::Prepare { wait: span(wait)? }, rest),
            ["receive", ref rest @ ..] => (Self::Receive, rest),
            ["keep", "--start-ms", start, "--hold-ms", hold, ref rest @ ..] => {
                (Self::Keep { start: span(start)?, hold: span(hold)? }, rest)
            }
            ["serve", ref rest @ ..] => (Self::Serve, rest),
            ["listen", "--for-ms", time, ref rest @ ..] => (Self::Listen { span: span(time)? }, rest),
            ["reach", "--to", to, "--for-ms", time, ref rest @ ..] => {
                (Self::Reach { to: to.parse().ok()?, span: span(time)? }, rest)
            }
            ["lend", "--hold-ms", hold, ref rest @ ..] => (Self::Lend { hold: span(hold)? }, rest),
            ["lent", ref rest @ ..] => (Self::Lent, rest),
            _ => return None,
        };
        match *rest {
            [] => Some((role, None)),
            [directory] => Some((role, Some(directory))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_read_as_it_is_written() {
        let second = Duration::from_secs(1);
        for role in [
            Role::Prepare { wait: second },
            Role::Receive,
            Role::Keep { start: second, hold: second * 2 },
            Role::Serve,
            Role::Listen { span: second },
            Role::Reach { to: SocketAddr::from(([10, 1, 2, 3], 7)), span: second },
            Role::Reach { to: SocketAddr::from(([0xfd00, 0, 0, 0, 0, 0, 0, 1], 7)), span: second },
            Role::Lend { hold: second },
            Role::Lent,
        ] {
            let arguments = role.arguments();
            let mut words: Vec<_> = arguments[1..].iter().map(String::as_str).collect();
            assert_eq!(Role::parse(&words), Some((role, None)));
            words.push("/elsewhere");
            assert_eq!(Role::parse(&words), Some((role, Some("/elsewhere"))));
            words.push("more");
            assert_eq!(Role::parse(&words), None);
        }
        assert_eq!(Role::parse(&["keep"]), None);
        assert_eq!(Role::parse(&["prepare", "--wait-ms", "soon"]), None);
        assert_eq!(Role::parse(&["reach", "--to", "10.1.2.3", "--for-ms", "1"]), None);
    }
}
