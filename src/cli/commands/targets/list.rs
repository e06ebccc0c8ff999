//! `dragnet targets list`

use std::fmt::Write as _;
use std::io::Write;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use unicode_width::UnicodeWidthStr as _;

use crate::app::App;
use crate::cli::commands::subject::WithinArgs;
use crate::cli::context::Context;
use crate::cli::error::CliError;
use crate::cli::exit;
use crate::cli::style::{DIM, paint};
use crate::cli::ui::Ui;
use crate::model::registered::{RegisteredTarget, Tag, TargetId};
use crate::model::target::TargetKind;
use crate::report::text::clean;
use crate::store::{TargetCursor, TargetFilter};

/// Targets that are held in memory.
const PAGE: u32 = 500;

/// List registered targets, in the order in which they were added
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  dragnet targets list
  dragnet targets list --tag web --tag team/a --enabled     those that have both tags
  dragnet targets list --kind domain --format jsonl | jq -r .target")]
pub(super) struct ListArgs {
    /// Only those that have this tag; all of them, when it is repeated
    #[arg(long, value_name = "TAG")]
    tag: Vec<Tag>,
    /// Only those that are enabled
    #[arg(long, conflicts_with = "disabled")]
    enabled: bool,
    /// Only those that are disabled
    #[arg(long)]
    disabled: bool,
    /// Only those of this kind
    #[arg(long, value_name = "KIND", value_parser = kind())]
    kind: Option<TargetKind>,
    #[command(flatten)]
    within: WithinArgs,
    /// List at most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Print the list as
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How targets are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// One document, which `targets import` reads.
    Json,
    /// One object a line, which `targets import` reads.
    Jsonl,
}

/// Reads a kind of targets.
pub(super) fn kind() -> impl TypedValueParser<Value = TargetKind> {
    let words = PossibleValuesParser::new(TargetKind::ALL.map(TargetKind::as_str));
    words.map(|word| TargetKind::ALL.into_iter().find(|kind| kind.as_str() == word).unwrap_or(TargetKind::Dir))
}

pub(super) fn run(context: &Context, args: &ListArgs) -> Result<u8, CliError> {
    let app = context.app()?;
    let within = args.within.within();
    let filter = TargetFilter {
        tags: args.tag.clone(),
        enabled: (args.enabled || args.disabled).then_some(args.enabled),
        kind: args.kind,
        organisation: within.organisation,
        project: within.project,
    };
    let cursor = app.store.target_cursor(&filter, TargetId::default())?;
    let mut pages = Pages { app: &app, cursor, left: args.limit.unwrap_or(u64::MAX) };
    let mut out = Ui::stdout();
    let listed = match args.format {
        Format::Table => table(context, &mut pages, &mut out)?,
        Format::Json => json(&mut pages, &mut out)?,
        Format::Jsonl => jsonl(&mut pages, &mut out)?,
    };
    out.flush()?;
    if listed == 0 && args.format == Format::Table {
        let is_empty = app.store.count_targets(&TargetFilter::default(), 1)? == 0;
        context.ui.say(if is_empty {
            "no targets are registered; `dragnet targets add TARGET` registers one"
        } else {
            "no registered target is like that"
        });
    }
    Ok(exit::CLEAN)
}

/// Targets, page by page.
struct Pages<'a> {
    app: &'a App,
    cursor: TargetCursor,
    left: u64,
}

impl Pages<'_> {
    /// Returns the next page; none when there is no more.
    fn next(&mut self) -> Result<Option<Vec<RegisteredTarget>>, CliError> {
        let most = u32::try_from(self.left).unwrap_or(PAGE).min(PAGE);
        if most == 0 {
            return Ok(None);
        }
        let page = self.app.store.next_targets(&mut self.cursor, most)?;
        self.left -= page.len() as u64;
        Ok((!page.is_empty()).then_some(page))
    }
}

fn json(pages: &mut Pages<'_>, out: &mut impl Write) -> Result<u64, CliError> {
    let (mut listed, mut before) = (0, "\n");
    write!(out, "{{\"schema\":\"dragnet.targets/v1\",\n\"targets\":[")?;
    while let Some(page) = pages.next()? {
        for target in &page {
            out.write_all(std::mem::replace(&mut before, ",\n").as_bytes())?;
            serde_json::to_writer(&mut *out, target)?;
        }
        listed += page.len() as u64;
    }
    writeln!(out, "]}}")?;
    Ok(listed)
}

fn jsonl(pages: &mut Pages<'_>, out: &mut impl Write) -> Result<u64, CliError> {
    let mut listed = 0;
    while let Some(page) = pages.next()? {
        for target in &page {
            serde_json::to_writer(&mut *out, target)?;
            out.write_all(b"\n")?;
        }
        listed += page.len() as u64;
    }
    Ok(listed)
}

const HEADER: [&str; 6] = ["NAME", "TARGET", "STATE", "TAGS", "TEMPLATE", "PROJECT"];

/// Writes rows in columns as wide as the first page needs them: the rest is not known yet.
fn table(context: &Context, pages: &mut Pages<'_>, out: &mut impl Write) -> Result<u64, CliError> {
    let (mut listed, mut widths) = (0, None);
    while let Some(page) = pages.next()? {
        let rows: Vec<[String; 6]> = page.iter().map(row).collect();
        if widths.is_none() {
            let header = line(&HEADER.map(str::to_owned), &widest(&rows));
            writeln!(out, "{}", paint(context.ui.out.color, DIM, &header))?;
        }
        let widths = widths.get_or_insert_with(|| widest(&rows));
        for row in &rows {
            writeln!(out, "{}", line(row, widths))?;
        }
        listed += rows.len() as u64;
    }
    Ok(listed)
}

fn row(target: &RegisteredTarget) -> [String; 6] {
    let tags: Vec<&str> = target.tags.iter().map(Tag::as_str).collect();
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { clean(text).into_owned() };
    [
        or_dash(target.name.as_str()),
        or_dash(&target.target.to_string()),
        if target.enabled { "enabled" } else { "disabled" }.to_owned(),
        or_dash(&tags.join(" ")),
        or_dash(target.template.as_deref().unwrap_or_default()),
        target.owner.to_string(),
    ]
}

fn widest(rows: &[[String; 6]]) -> [usize; 6] {
    std::array::from_fn(|column| {
        let all = rows.iter().map(|row| row[column].width());
        all.chain([HEADER[column].len()]).max().unwrap_or_default()
    })
}

fn line(row: &[String; 6], widths: &[usize; 6]) -> String {
    let mut text = String::new();
    for (cell, width) in row.iter().zip(widths) {
        let _ = write!(text, "{cell}{}  ", " ".repeat(width.saturating_sub(cell.width())));
    }
    text.truncate(text.trim_end().len());
    text
}
