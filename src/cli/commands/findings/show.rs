//! `dragnet findings show` and `history`

use std::io::Write as _;

use clap::Args;

use super::list::exploits;
use crate::app::{self, App};
use crate::cli::args::TableFormat;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::ui::Ui;
use crate::model::view::FindingView;
use crate::report::text::clean;
use crate::report::{Excerpt, FindingJson};
use crate::store::Found;

/// Look at one finding
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    named: Named,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

/// Tell what scans said of a finding, and what was decided
#[derive(Debug, Args)]
pub(super) struct HistoryArgs {
    #[command(flatten)]
    named: Named,
    /// Print it as
    #[arg(long, value_enum, default_value_t)]
    format: TableFormat,
}

/// Names a finding.
#[derive(Debug, Args)]
struct Named {
    /// The finding: its fingerprint, or a unique beginning of it
    #[arg(value_name = "FINGERPRINT")]
    finding: String,
    /// Look for it in this scan and its target
    #[arg(long = "in", value_name = "SCAN", default_value = "latest")]
    scan: String,
}

pub(super) fn run(context: &Context, args: &ShowArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let (found, finding) = find(&app, &args.named)?;
    let Some(mut finding) = finding else {
        let name = found.name;
        return Err(CliError::usage(format!(
            "{name} is not in scan {}: `findings history` tells more",
            args.named.scan
        )));
    };
    finding.exploitation = exploits(context, &app).of(&finding.record);
    let mut out = Ui::stdout();
    match args.format {
        TableFormat::Json => {
            serde_json::to_writer(&mut out, &FindingJson::new(&finding))?;
            writeln!(out)?;
        }
        TableFormat::Table => describe(&finding, &mut out)?,
    }
    out.flush()?;
    Ok(exit::CLEAN)
}

fn find(app: &App, named: &Named) -> Result<(Found, Option<FindingView>), CliError> {
    let scan = app.store.find_scan(&named.scan)?;
    let found = app::find_finding(app, scan, &named.finding)?;
    let finding = match &found.known {
        Some(known) => app.store.finding(scan, known)?,
        None => None,
    };
    Ok((found, finding))
}

fn describe(finding: &FindingView, out: &mut impl std::io::Write) -> std::io::Result<()> {
    let record = &finding.record;
    writeln!(out, "{}", clean(&record.title))?;
    let standing = finding.standing.map(|standing| format!(" · {standing}")).unwrap_or_default();
    let native = record.native_severity.as_ref().map(|word| format!(" ({})", clean(word))).unwrap_or_default();
    let mut lines = vec![
        ("Finding", finding.fingerprint.clone()),
        ("Severity", format!("{}{native}{standing}", record.severity)),
        ("Where", clean(&record.location.to_string()).into_owned()),
        ("By", format!("{} · {}", clean(&finding.scanner), clean(&record.rule))),
    ];
    let cwe = record.cwe.iter().map(|number| format!("CWE-{number}"));
    let known: Vec<String> = cwe.chain(record.vulnerabilities.iter().map(|id| clean(id).into_owned())).collect();
    lines.extend((!known.is_empty()).then(|| ("Known as", known.join(", "))));
    lines.extend(record.cvss.as_ref().map(|cvss| ("CVSS", cvss.score.to_string())));
    let (epss, kev) = finding.exploitation.map_or((None, None), |known| (known.epss, known.kev));
    lines.extend(epss.map(|epss| ("EPSS", format!("{}, percentile {}", epss.score, epss.percentile))));
    lines.extend((kev == Some(true)).then(|| ("KEV", "known to be exploited".to_owned())));
    lines.extend(record.fix.as_ref().map(|fix| ("Mend by", clean(fix).into_owned())));
    lines.extend(finding.muting.as_ref().map(|muting| {
        let why = muting.reason.as_ref().map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
        let who = muting.author.as_deref().unwrap_or_else(|| muting.origin.who());
        let until = muting.until.map(|until| format!(" until {until}")).unwrap_or_default();
        ("Decided", format!("{} by {}{until}{why}", muting.decision.in_words(), clean(who)))
    }));
    lines.extend(record.references.iter().take(5).map(|link| ("See", clean(link).into_owned())));
    for (label, text) in lines {
        writeln!(out, "  {label:9} {text}")?;
    }
    if !record.message.is_empty() {
        writeln!(out)?;
        record.message.lines().try_for_each(|line| writeln!(out, "  {}", clean(line)))?;
    }
    Excerpt::new(record).map_or(Ok(()), |excerpt| code(&excerpt, out))
}

/// The code, with its lines' numbers where these are known; those that the finding is about have a mark.
fn code(excerpt: &Excerpt, out: &mut impl std::io::Write) -> std::io::Result<()> {
    writeln!(out)?;
    let Some(first) = excerpt.first else {
        return excerpt.lines.iter().try_for_each(|line| writeln!(out, "  {line}"));
    };
    let last = first.saturating_add(u32::try_from(excerpt.lines.len()).unwrap_or(u32::MAX));
    let width = last.to_string().len();
    for (number, line) in (first..).zip(&excerpt.lines) {
        let about = excerpt.marked.is_some_and(|[from, to]| (from..=to).contains(&number));
        writeln!(out, "{} {number:>width$} │ {line}", if about { '>' } else { ' ' })?;
    }
    Ok(())
}

pub(super) fn history(context: &Context, args: &HistoryArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let (found, _) = find(&app, &args.named)?;
    let entries = app.store.history(found.subject, found.name)?;
    if args.format == TableFormat::Json {
        let mut out = Ui::stdout();
        let document = serde_json::json!({"schema": "dragnet.history/v1", "fingerprint": found.name.to_string(),
            "scanner": found.scanner, "history": entries.iter().map(|entry| serde_json::json!({
                "at": entry.at.to_string(), "scan": entry.scan, "what": entry.what, "reason": entry.reason,
                "author": entry.author})).collect::<Vec<_>>()});
        serde_json::to_writer(&mut out, &document)?;
        writeln!(out)?;
        out.flush()?;
        return Ok(exit::CLEAN);
    }
    let rows: Vec<Vec<String>> = entries
        .iter()
        .map(|entry| {
            let by = entry.scan.clone().or_else(|| entry.author.clone()).unwrap_or_default();
            let reason = clean(entry.reason.as_deref().unwrap_or_default()).into_owned();
            vec![entry.at.to_string(), entry.what.replace('_', " "), clean(&by).into_owned(), reason]
        })
        .collect();
    context.ui.table(&["WHEN", "WHAT", "BY", "WHY"], &rows)?;
    Ok(exit::CLEAN)
}
