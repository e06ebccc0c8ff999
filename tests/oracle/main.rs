//! The oracle of findings over time: scenarios, and what a truthful report says of each. The three formats are those of a scanner
//! of code (SARIF), of secrets (gitleaks) and of packages (trivy).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, and is written for its reader")]

#[path = "../common/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "tests share it, and each uses a part")]
mod common;
mod outputs;
mod play;
mod scenarios;

use play::{play, play_cut};

#[tokio::test]
async fn every_scenario_ends_as_it_must() {
    let mut wrong = Vec::new();
    let scenarios = scenarios::all();
    assert!(scenarios.len() >= 30);
    for scenario in &scenarios {
        let (said, report) = play(&scenario.scans).await;
        if said != scenario.said {
            wrong.push(format!("{}:\n  said     {said:?}\n  expected {:?}", scenario.name, scenario.said));
        }
        let listed = |list: &str, key: &str, word: &str| {
            report[list].as_array().unwrap().iter().filter(|one| one[key] == word).count() as u64
        };
        assert_eq!(listed("gone", "fate", "fixed"), said.fixed, "{}: the list is as long as the count", scenario.name);
        assert_eq!(
            listed("gone", "fate", "not_observed"),
            said.not_observed.values().sum::<u64>(),
            "{}",
            scenario.name
        );
        assert!(listed("findings", "standing", "new") >= said.new, "{}", scenario.name);
        assert!(listed("findings", "standing", "reopened") >= said.reopened, "{}", scenario.name);
    }
    assert!(wrong.is_empty(), "{} of {} scenarios:\n{}", wrong.len(), scenarios.len(), wrong.join("\n"));
}

#[tokio::test]
async fn a_comparison_that_is_cut_anywhere_says_the_same() {
    let history = scenarios::eventful();
    let (said, _) = play(&history).await;
    assert!(said.new > 0 && said.existing > 0 && said.fixed > 0 && said.reopened > 0, "{said:?}");
    for polls in 1..80 {
        assert_eq!(play_cut(&history, polls).await.0, said, "cut at poll {polls}");
    }
}
