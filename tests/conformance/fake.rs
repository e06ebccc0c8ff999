//! The fake engine: it has no processes, memory or file system, and keeps every other promise.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dragnet::executor::Executor;
use dragnet::executor::fake::{FakeExecutor, Outcome};
use dragnet::model::id::{AttemptName, InstanceKey, Key8};
use dragnet::model::spec::Launch;

use super::cases;
use super::harness::Harness;

/// Cases about what only real processes do.
const NOT_HERE: [&str; 16] = [
    "results_arrive_byte_for_byte",
    "many_parts_arrive_and_resume",
    "a_stop_seals_what_there_is",
    "a_stop_overrules_deafness_after_the_grace",
    "logs_are_complete_from_any_line",
    "exit_codes_and_signals_are_told",
    "memory_that_runs_out_is_told",
    "the_time_limit_is_kept",
    "a_missing_program_is_told",
    "a_missing_image_is_told",
    "a_missing_image_is_not_resolved",
    "output_over_the_limit_is_told",
    "trees_are_read_only_and_readable",
    "hostile_results_stay_out",
    "nothing_is_reached_without_a_network",
    "secrets_and_assets_are_files",
];

struct FakeHarness {
    engine: FakeExecutor,
    state: tempfile::TempDir,
}

#[async_trait]
impl Harness for FakeHarness {
    fn executor(&self) -> &dyn Executor {
        &self.engine
    }

    fn instance(&self) -> InstanceKey {
        Key8::from_bits(7)
    }

    fn image(&self) -> &'static str {
        "fake:1"
    }

    fn supports(&self, case: &str) -> bool {
        !NOT_HERE.contains(&case)
    }

    fn state(&self) -> &Path {
        self.state.path()
    }

    async fn kill(&self, name: &AttemptName) {
        self.engine.kill(name);
    }

    async fn destroy(&self, name: &AttemptName) {
        self.engine.vanish(name);
    }
}

/// What the cases' scripts would do.
fn outcome(launch: &Launch) -> Outcome {
    let files = |files: &[(&str, &str)]| {
        files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec().into())).collect()
    };
    let ends = |after, code, left: &[(&str, &str)]| Outcome::Ends {
        after: Duration::from_millis(after),
        code,
        files: files(left),
    };
    match launch.spec.command.last().map(String::as_str).unwrap_or_default() {
        "echo result; echo talk >&2" => ends(0, 0, &[("stdout", "result\n"), ("log", "talk\n")]),
        "echo run >>{out}/r; sleep 0.3" => ends(300, 0, &[("work/r", "run\n")]),
        "echo run >>{out}/r" => ends(0, 0, &[("work/r", "run\n")]),
        "exit 5" => ends(0, 5, &[]),
        "false" => ends(0, 1, &[]),
        "true" => ends(0, 0, &[]),
        "echo found >{out}/r; echo ready; sleep 1000" => {
            Outcome::Hangs { files: files(&[("work/r", "found\n"), ("log", "ready\n")]) }
        }
        "echo ready; sleep 1000" => Outcome::Hangs { files: files(&[("log", "ready\n")]) },
        "sleep 1000" => Outcome::Hangs { files: Vec::new() },
        script => panic!("the fake engine does not know {script:?}"),
    }
}

#[tokio::test]
async fn the_fake_engine_conforms() {
    let harness: Arc<dyn Harness> =
        Arc::new(FakeHarness { engine: FakeExecutor::new(outcome), state: tempfile::tempdir().unwrap() });
    assert_eq!(cases::run_all(&harness).await, Vec::<&str>::new());
}
