//! Doctor: whether everything that a scan needs is there.

use super::isolation::{self, Found};
use super::{App, connect};
use crate::executor::{Ability, ExecutorError, Hardening, Proof, SharedExecutor};
use crate::model::isolation::Isolation;
use crate::store::Store;

/// Space that a scan may well need, in bytes.
const LITTLE_SPACE: u64 = 2 << 30;

/// How something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Good,
    /// Scans run, with a restriction.
    Warning,
    /// Scans do not run.
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// What.
    pub item: String,
    /// How it stands.
    pub health: Health,
    /// What was found.
    pub detail: String,
}

fn finding(item: impl Into<String>, health: Health, detail: impl Into<String>) -> Finding {
    Finding { item: item.into(), health, detail: detail.into() }
}

/// Looks at state, engine, images and tools.
pub async fn examine(app: &App) -> Vec<Finding> {
    let mut found = vec![
        finding("state", Health::Good, format!("{}, instance {}", app.store.dir().display(), app.store.instance())),
        finding("SQLite", Health::Good, Store::sqlite_version()),
        space(app),
        git(),
    ];
    match connect(app).await {
        Ok(executor) => {
            engine(app, &executor, &mut found).await;
            rights(&executor, &mut found).await;
            found.extend(executor.abilities().await.into_iter().map(ability));
            images(app, &executor, &mut found).await;
        }
        Err(error) => found.push(finding("engine", Health::Bad, error.to_string())),
    }
    found
}

fn space(app: &App) -> Finding {
    match rustix::fs::statvfs(app.store.dir()) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let health = if free < LITTLE_SPACE { Health::Warning } else { Health::Good };
            finding("disk", health, format!("{} MiB free for the state", free >> 20))
        }
        Err(error) => finding("disk", Health::Warning, error.to_string()),
    }
}

fn git() -> Finding {
    match std::process::Command::new("git").arg("--version").output() {
        Ok(output) if output.status.success() => {
            finding("git", Health::Good, String::from_utf8_lossy(&output.stdout).trim())
        }
        _ => finding("git", Health::Warning, "it cannot be run: no git: targets, no commits in reports"),
    }
}

async fn engine(app: &App, executor: &SharedExecutor, found: &mut Vec<Finding>) {
    let can = executor.capabilities();
    found.push(finding("engine", Health::Good, format!("{}, {}", can.version, can.platform)));
    match executor.server_identity().await {
        Ok(identity) => found.push(finding("engine id", Health::Good, identity)),
        Err(error) => found.push(finding("engine id", Health::Bad, error.to_string())),
    }
    found.push(finding("transport", Health::Good, format!("{}: how files reach the engine", can.transport)));
    if can.pulls_for_us {
        found.push(finding("images", Health::Good, "each node pulls what it needs; whether it can is not known here"));
    } else {
        let words = format!("this program runs in the engine's {} containers", can.platform);
        found.push(finding("agent", Health::Good, words));
    }
    let known = isolation::of_engine(app, executor).await.ok().flatten();
    found.extend(can.hardening.iter().map(|hardening| {
        let item = format!("hardening: {}", hardening.item);
        match known {
            Some(known) if hardening.item == Hardening::NETWORK => isolated(item, known),
            _ => {
                let health = if hardening.proof == Proof::Unavailable { Health::Warning } else { Health::Good };
                finding(item, health, hardening.proof.as_str())
            }
        }
    }));
}

/// How it stands with an engine that is only asked to isolate.
fn isolated(item: impl Into<String>, known: Isolation) -> Finding {
    let (health, words) = match known {
        Isolation::Requested => (Health::Good, "by a network policy; `dragnet doctor --probe` finds out with two pods"),
        Isolation::Enforced { .. } => (Health::Good, "a network policy cuts scanners without a network off"),
        Isolation::NotEnforced { .. } => (
            Health::Warning,
            "scanners without a network reach it; the cluster needs a network plugin that heeds network policies",
        ),
    };
    finding(item, health, format!("{known}: {words}"))
}

/// Says what a probe of the engine's isolation has come to.
pub fn probed(found: Found) -> Finding {
    let item = "network policy";
    match found {
        Found::NotNeeded => finding(item, Health::Good, "not needed: the engine isolates by itself"),
        Found::Seen(seen) => isolated(item, seen),
        Found::Unclear(why) => finding(item, Health::Warning, format!("cannot be told: {why}")),
    }
}

async fn rights(executor: &SharedExecutor, found: &mut Vec<Finding>) {
    match executor.shortfalls().await {
        Ok(missing) => found.extend(missing.into_iter().map(|one| finding(one.item, Health::Bad, one.message))),
        Err(error) => found.push(finding("rights", Health::Bad, error.to_string())),
    }
}

fn ability(ability: Ability) -> Finding {
    match ability.missing {
        None => finding(ability.item, Health::Good, "it works"),
        Some(why) => finding(ability.item, if ability.needed { Health::Bad } else { Health::Warning }, why),
    }
}

async fn images(app: &App, executor: &SharedExecutor, found: &mut Vec<Finding>) {
    if executor.capabilities().pulls_for_us {
        return;
    }
    for scanner in app.catalog.scanners().filter(|scanner| scanner.enabled) {
        let item = format!("image: {}", scanner.name);
        found.push(match executor.resolve_image(&scanner.image, false, &|_| {}).await {
            Ok(_) => finding(item, Health::Good, scanner.image.clone()),
            Err(ExecutorError::Image { .. }) => finding(
                item,
                Health::Warning,
                format!("{} is not in the engine; it is pulled when it is used", scanner.image),
            ),
            Err(error) => finding(item, Health::Warning, error.to_string()),
        });
    }
}
