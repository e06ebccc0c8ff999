//! The table. Each scenario is a history of scans; what is said is said of its last one, with a gate on everything new.

use dragnet::model::coverage::Gap;

use crate::outputs::{
    Place, gitleaks, nmap, sarif, sarif_at, sarif_in_other_words, sarif_suppressed, sarif_with_error, trivy,
};
use crate::play::{Job, Said, Scan, job, scan};

pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) scans: Vec<Scan>,
    pub(crate) said: Said,
}

const EVAL: Place = ("eval", "app.py", 10, "result = eval(user_input, context)");
const SQL: Place = ("sql", "db.py", 20, "cursor.execute(query % name)");
const KEY: Place = ("aws-key", "conf/aws.tf", 3, "AKIAIOSFODNN7EXAMPLE");
const HOLE: (&str, &str, &str, &str) = ("CVE-2026-1000", "left-pad", "1.0.0", "package-lock.json");

/// A scanner of code that prints these results.
fn code(results: &[Place]) -> Job {
    job("checker", "sarif", sarif("1.0", results))
}

fn one(results: &[Place]) -> Scan {
    scan([code(results)])
}

fn secrets(found: &[Place]) -> Scan {
    scan([job("gitleaks", "gitleaks", gitleaks(found))])
}

fn packages(found: &[crate::outputs::Package]) -> Scan {
    scan([job("trivy", "trivy", trivy(found))])
}

fn new(count: u64) -> Said {
    Said { new: count, coverage: "full".to_owned(), code: i32::from(count > 0), ..Said::default() }
}

fn existing(count: u64) -> Said {
    Said { existing: count, ..new(0) }
}

impl Said {
    fn and_new(self, count: u64) -> Self {
        Self { new: count, code: 1, ..self }
    }
    fn reopened(self, count: u64) -> Self {
        Self { reopened: count, code: 1, ..self }
    }
    fn fixed(self, count: u64) -> Self {
        Self { fixed: count, ..self }
    }
    fn unseen(mut self, reason: &str, count: u64) -> Self {
        self.not_observed.insert(reason.to_owned(), count);
        self
    }
    /// The scan did not see everything, and says so by its exit code.
    fn partial(self, coverage: &str) -> Self {
        Self { coverage: coverage.to_owned(), code: 3, ..self }
    }
}

pub(crate) fn all() -> Vec<Scenario> {
    let groups = [
        first_sight(),
        moves(),
        packages_and_secrets(),
        lines(),
        coverage(),
        keys(),
        suppressions(),
        rules(),
        histories(),
        jobs(),
    ];
    let row = |(name, scans, said)| Scenario { name, scans, said };
    groups.into_iter().flatten().map(row).collect()
}

/// A history whose last scan has something of everything.
pub(crate) fn eventful() -> Vec<Scan> {
    let shell = ("shell", "run.py", 4, "subprocess.call(command, shell=True)");
    let edited = (SQL.0, SQL.1, 22, "cursor.execute(query % user_name)");
    vec![
        scan([code(&[EVAL, SQL]), job("gitleaks", "gitleaks", gitleaks(&[KEY]))]),
        scan([code(&[SQL]), job("gitleaks", "gitleaks", gitleaks(&[KEY]))]),
        scan([code(&[EVAL, edited, shell]), job("gitleaks", "gitleaks", gitleaks(&[]))]),
    ]
}

type Rows = Vec<(&'static str, Vec<Scan>, Said)>;

fn first_sight() -> Rows {
    vec![
        ("everything is new to the first scan", vec![one(&[EVAL, SQL])], new(2)),
        ("nothing found is clean", vec![one(&[])], new(0)),
        ("the same again exists", vec![one(&[EVAL, SQL]), one(&[EVAL, SQL])], existing(2)),
        ("another order changes nothing", vec![one(&[EVAL, SQL]), one(&[SQL, EVAL])], existing(2)),
        (
            "another checkout is the same target",
            vec![one(&[EVAL]), one(&[EVAL]).in_place("dir:/home/two/checkout")],
            existing(1),
        ),
        ("one more is new", vec![one(&[EVAL]), one(&[EVAL, SQL])], existing(1).and_new(1)),
        ("one less is fixed", vec![one(&[EVAL, SQL]), one(&[EVAL])], existing(1).fixed(1)),
        (
            "other words and another severity change nothing",
            vec![one(&[EVAL]), scan([job("checker", "sarif", sarif_in_other_words("1.0", &[EVAL]))])],
            existing(1),
        ),
        (
            "a target without lines has a history too",
            vec![one(&[EVAL]).without_line(), one(&[]).without_line()],
            new(0).fixed(1),
        ),
    ]
}

fn moves() -> Rows {
    let at = |line: u32| (EVAL.0, EVAL.1, line, EVAL.3);
    let with = |code: &'static str| (EVAL.0, EVAL.1, 12, code);
    let in_file = |file: &'static str, line: u32| (EVAL.0, file, line, EVAL.3);
    vec![
        ("moved lines change nothing", vec![one(&[EVAL]), one(&[at(90)])], existing(1)),
        (
            "indentation changes nothing",
            vec![one(&[EVAL]), one(&[with("    result  =  eval(user_input,\n\tcontext)")])],
            existing(1),
        ),
        (
            "an edited line is the same finding",
            vec![one(&[EVAL]), one(&[with("result = eval(user_input, other_context)")])],
            existing(1),
        ),
        (
            "and keeps being it",
            vec![
                one(&[EVAL]),
                one(&[with("result = eval(user_input, other)")]),
                one(&[with("result = eval(user_input, other)")]),
            ],
            existing(1),
        ),
        (
            "another call in its place is another finding",
            vec![one(&[EVAL]), one(&[with("eval(open('x').read())")])],
            new(1).fixed(1),
        ),
        ("a renamed file takes its findings along", vec![one(&[EVAL]), one(&[in_file("main.py", 10)])], existing(1)),
        (
            "a copied file brings new ones",
            vec![one(&[EVAL]), one(&[EVAL, in_file("copy.py", 10)])],
            existing(1).and_new(1),
        ),
        (
            "a file that became two: nobody knows which is which",
            vec![one(&[EVAL]), one(&[in_file("a.py", 1), in_file("b.py", 1)])],
            new(2).fixed(1),
        ),
        ("two equal lines are two findings", vec![one(&[at(10), at(30)]), one(&[at(11), at(31)])], existing(2)),
        (
            "one of two equal lines removed is one fixed",
            vec![one(&[at(10), at(30)]), one(&[at(30)])],
            existing(1).fixed(1),
        ),
        (
            "a third equal line is one new",
            vec![one(&[at(10), at(30)]), one(&[at(5), at(10), at(30)])],
            existing(2).and_new(1),
        ),
        (
            "two problems on one line stay two",
            vec![one(&[EVAL, ("exec", "app.py", 10, EVAL.3)]), one(&[EVAL, ("exec", "app.py", 10, EVAL.3)])],
            existing(2),
        ),
    ]
}

fn packages_and_secrets() -> Rows {
    vec![
        (
            "a bump that does not mend changes nothing",
            vec![packages(&[HOLE]), packages(&[(HOLE.0, HOLE.1, "1.0.1", HOLE.3)])],
            existing(1),
        ),
        ("a bump that mends fixes", vec![packages(&[HOLE]), packages(&[])], new(0).fixed(1)),
        (
            "a manifest that moved takes its findings along",
            vec![packages(&[HOLE]), packages(&[(HOLE.0, HOLE.1, HOLE.2, "web/package-lock.json")])],
            existing(1),
        ),
        (
            "another hole in the same package is new",
            vec![packages(&[HOLE]), packages(&[HOLE, ("CVE-2026-2000", HOLE.1, HOLE.2, HOLE.3)])],
            existing(1).and_new(1),
        ),
        (
            "a secret that moved in its file is the same",
            vec![secrets(&[KEY]), secrets(&[(KEY.0, KEY.1, 99, KEY.3)])],
            existing(1),
        ),
        (
            "a secret that moved to another file is the same",
            vec![secrets(&[KEY]), secrets(&[(KEY.0, "conf/new.tf", 1, KEY.3)])],
            existing(1),
        ),
        (
            "another secret in its place is new",
            vec![secrets(&[KEY]), secrets(&[(KEY.0, KEY.1, KEY.2, "AKIAI44QH8DHBEXAMPLE")])],
            new(1).fixed(1),
        ),
    ]
}

fn lines() -> Rows {
    vec![
        (
            "a branch knows what the main line has",
            vec![one(&[EVAL]), one(&[EVAL, SQL]).on("feature")],
            existing(1).and_new(1),
        ),
        ("what a branch does not have is not fixed", vec![one(&[EVAL, SQL]), one(&[EVAL]).on("feature")], existing(1)),
        ("nor is it on the main line", vec![one(&[EVAL]), one(&[]).on("feature"), one(&[EVAL])], existing(1)),
        (
            "a branch has a history of its own",
            vec![one(&[EVAL]), one(&[EVAL, SQL]).on("feature"), one(&[EVAL]).on("feature")],
            existing(1).fixed(1),
        ),
        (
            "what came with a branch is new to the main line",
            vec![one(&[]), one(&[SQL]).on("feature"), one(&[SQL])],
            new(1),
        ),
        (
            "a commit without a branch says nothing of another",
            vec![one(&[EVAL, SQL]).on("@1a2b"), one(&[]).on("@3c4d")],
            new(0),
        ),
        ("branches know nothing of one another", vec![one(&[SQL]).on("one"), one(&[SQL]).on("two")], new(1)),
    ]
}

fn coverage() -> Rows {
    let failed = || scan([code(&[]).code(9)]);
    vec![
        (
            "an error in the report proves nothing",
            vec![one(&[EVAL, SQL]), scan([job("checker", "sarif", sarif_with_error("1.0", &[SQL]))])],
            existing(1).unseen("coverage", 1).partial("tool_error"),
        ),
        (
            "a degraded exit proves nothing",
            vec![one(&[EVAL]), scan([code(&[]).code(3)])],
            new(0).unseen("coverage", 1).partial("degraded_exit"),
        ),
        (
            "what is accepted is complete, and proves nothing either",
            vec![one(&[EVAL]), scan([code(&[]).code(3).accepts(Gap::DegradedExit)])],
            new(0).unseen("coverage", 1),
        ),
        (
            "a path that could not be read proves nothing",
            vec![one(&[EVAL]), one(&[]).unreadable()],
            new(0).unseen("coverage", 1).partial("unreadable"),
        ),
        (
            "data that is too old proves nothing",
            vec![scan([code(&[EVAL]).data("vulnerabilities")]), scan([code(&[]).stale()])],
            new(0).unseen("coverage", 1).partial("stale_data"),
        ),
        (
            "a cap proves nothing",
            vec![one(&[EVAL, SQL]), one(&[SQL, EVAL]).at_most(1)],
            existing(1).unseen("coverage", 1).partial("result_cap"),
        ),
        (
            "an error and nothing else is no report",
            vec![one(&[EVAL]), scan([job("checker", "sarif", sarif_with_error("1.0", &[]))])],
            Said { coverage: "none".to_owned(), code: 3, ..Said::default() },
        ),
        (
            "a scanner that failed says nothing",
            vec![one(&[EVAL]), failed()],
            Said { coverage: "none".to_owned(), code: 3, ..Said::default() },
        ),
        ("and forgets nothing", vec![one(&[EVAL]), failed(), one(&[EVAL, SQL])], existing(1).and_new(1)),
        (
            "what was not observed is known when it is seen again",
            vec![one(&[EVAL]), scan([code(&[]).code(3)]), one(&[EVAL])],
            existing(1),
        ),
        (
            "what was not observed for long is fixed by one that would have seen it",
            vec![one(&[EVAL]), scan([code(&[]).code(3)]), scan([code(&[]).code(3)]), one(&[])],
            new(0).fixed(1),
        ),
    ]
}

fn keys() -> Rows {
    let version = |version: &str, results: &[Place]| scan([job("checker", "sarif", sarif(version, results))]);
    vec![
        ("another version fixes nothing", vec![one(&[EVAL]), version("2.0", &[])], new(0).unseen("version", 1)),
        ("another version sees the same", vec![one(&[EVAL]), version("2.0", &[EVAL])], existing(1)),
        (
            "what another version saw too, that version can fix",
            vec![one(&[EVAL]), version("2.0", &[EVAL]), version("2.0", &[])],
            new(0).fixed(1),
        ),
        (
            "another call fixes nothing",
            vec![one(&[EVAL]), scan([code(&[]).command("--level=high")])],
            new(0).unseen("parameters", 1),
        ),
        (
            "data that is not read any more fixes nothing",
            vec![scan([code(&[EVAL]).data("advisories")]), one(&[])],
            new(0).unseen("parameters", 1),
        ),
        (
            "what is left out is not fixed",
            vec![one(&[EVAL]), one(&[]).leaving_out("app.py")],
            new(0).unseen("scope", 1),
        ),
        ("what is left out no more can be fixed", vec![one(&[EVAL]).leaving_out("vendor/"), one(&[])], new(0).fixed(1)),
        (
            "the same is left out as before",
            vec![one(&[EVAL, SQL]).leaving_out("vendor/"), one(&[SQL]).leaving_out("vendor/")],
            existing(1).fixed(1),
        ),
    ]
}

fn suppressions() -> Rows {
    let quiet = |results: &[Place]| job("checker", "sarif", sarif_suppressed("1.0", results));
    let suppressed = |results: &[Place]| scan([quiet(results)]);
    vec![
        ("what its report suppresses does not count", vec![suppressed(&[EVAL])], Said { code: 0, ..new(1) }),
        (
            "what two jobs suppress hides nothing else",
            vec![one(&[]), scan([quiet(&[EVAL]), quiet(&[EVAL]).step("again"), code(&[SQL]).step("third")])],
            new(2),
        ),
        ("nor is it fixed by that", vec![one(&[EVAL]), suppressed(&[EVAL])], existing(1)),
        ("it counts again when the comment goes", vec![suppressed(&[EVAL]), one(&[EVAL])], existing(1)),
    ]
}

/// What a user's own rules and comments say.
fn rules() -> Rows {
    const ELSEWHERE: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9 # dragnet:ignore\nresult = eval(user_input, context)\n";
    const HERE: &str = "1\n2\n3\n4\n5\n6\n7\n8\n9\nresult = eval(user_input, context) # dragnet:ignore eval -- ours\n";
    const ANOTHER: &str = "1\n2\n3\n4\n5\n6\n7\n8\n# dragnet:ignore sql\nresult = eval(user_input, context)\n";
    let muted = |said: Said| Said { code: 0, ..said };
    let vulnerable = |id: &'static str| scan([job("trivy", "trivy", trivy(&[HOLE]))]).suppressing(id);
    vec![
        ("what a rule is about does not count", vec![one(&[EVAL]).suppressing("rule = 'eval'")], muted(new(1))),
        ("nor does a rule hide anything else", vec![one(&[EVAL, SQL]).suppressing("path = 'app.py'")], new(2)),
        (
            "a rule says nothing of what is fixed",
            vec![one(&[EVAL]).suppressing("rule = 'eval'"), one(&[]).suppressing("rule = 'eval'")],
            new(0).fixed(1),
        ),
        (
            "a rule that is over suppresses nothing",
            vec![one(&[EVAL]).suppressing("rule = 'eval'\nuntil = '2020-01-01'")],
            new(1),
        ),
        ("a vulnerability may be named", vec![vulnerable("vulnerability = 'CVE-2026-1000'")], muted(new(1))),
        ("in one package alone", vec![vulnerable("vulnerability = 'CVE-2026-1000'\npackage = 'lodash'")], new(1)),
        ("a comment is about its line", vec![one(&[EVAL]).with_source("app.py", HERE)], muted(new(1))),
        ("not about the next", vec![one(&[EVAL]).with_source("app.py", ELSEWHERE)], new(1)),
        ("nor about other rules", vec![one(&[EVAL]).with_source("app.py", ANOTHER)], new(1)),
        ("nor about other files", vec![one(&[EVAL]).with_source("other.py", HERE)], new(1)),
    ]
}

fn histories() -> Rows {
    vec![
        ("what was fixed and is back is reopened", vec![one(&[EVAL]), one(&[]), one(&[EVAL])], new(0).reopened(1)),
        ("and exists from then on", vec![one(&[EVAL]), one(&[]), one(&[EVAL]), one(&[EVAL])], existing(1)),
        (
            "what was fixed on the main line is new to a branch of it",
            vec![one(&[EVAL]), one(&[]), one(&[EVAL]).on("feature")],
            new(1),
        ),
        ("what is fixed is said once", vec![one(&[EVAL]), one(&[]), one(&[])], new(0)),
    ]
}

fn jobs() -> Rows {
    let other = |results: &[Place]| code(results).step("again");
    let ports = |ports: &[u16]| job("nmap", "nmap", nmap(ports));
    let web = |addresses: &[&str]| job("web", "sarif", sarif_at(addresses)).after("nmap");
    vec![
        ("one finding seen by two jobs is one", vec![one(&[EVAL]), scan([code(&[EVAL]), other(&[EVAL])])], existing(1)),
        (
            "it is fixed when neither sees it",
            vec![scan([code(&[EVAL]), other(&[EVAL])]), scan([code(&[]), other(&[])])],
            new(0).fixed(1),
        ),
        (
            "and not while one of them failed",
            vec![scan([code(&[EVAL]), other(&[])]), scan([code(&[]).code(9), other(&[])])],
            new(0).unseen("coverage", 1).partial("jobs_missing"),
        ),
        (
            "scanners do not speak for one another",
            vec![scan([code(&[EVAL]), job("gitleaks", "gitleaks", gitleaks(&[KEY]))]), one(&[EVAL])],
            existing(1),
        ),
        (
            "a step whose upstream saw a part fixes nothing",
            vec![scan([ports(&[80]), web(&["http://127.0.0.1:80/a"])]), scan([ports(&[80]).code(3), web(&[])])],
            new(0).unseen("coverage", 1).partial("degraded_exit+upstream_partial"),
        ),
        (
            "a port that was looked at again and is mended is fixed",
            vec![scan([ports(&[80]), web(&["http://127.0.0.1:80/a"])]), scan([ports(&[80]), web(&[])])],
            new(0).fixed(1),
        ),
    ]
}
