//! Charts as SVG: bars of equal scale, without text in them, so that they stretch. Colours are classes; numbers stand beside.

use std::fmt::Write as _;

use crate::model::finding::SeverityCounts;
use crate::model::severity::Severity;

/// The width of a bar of full length, in its own units.
const LENGTH: u64 = 1000;

/// A bar of one part for each severity, the longest of its chart being `most`.
pub(super) fn stacked(counts: &SeverityCounts, most: u64) -> String {
    let mut at = 0;
    let parts = Severity::ALL.into_iter().filter(|severity| counts.of(*severity) > 0).map(|severity| {
        let width = share(counts.of(severity), most);
        let part = rect(at, width, &format!("s{}", severity.rank()));
        at += width;
        part
    });
    bar(&parts.collect::<String>())
}

/// A bar of one colour.
pub(super) fn single(count: u64, most: u64, class: &str) -> String {
    bar(&if count > 0 { rect(0, share(count, most), class) } else { String::new() })
}

fn bar(parts: &str) -> String {
    format!(
        "<svg class=\"bar\" viewBox=\"0 0 {LENGTH} 10\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">{parts}</svg>"
    )
}

fn rect(at: u64, width: u64, class: &str) -> String {
    format!("<rect class=\"{class}\" x=\"{at}\" width=\"{width}\" height=\"10\"/>")
}

/// A part of the full length; what there is shows, however little.
fn share(count: u64, most: u64) -> u64 {
    let share = u128::from(count) * u128::from(LENGTH) / u128::from(most.max(1));
    u64::try_from(share).unwrap_or(LENGTH).clamp(4, LENGTH)
}

/// One column of the trend.
pub(super) struct Column {
    pub(super) counts: SeverityCounts,
    pub(super) complete: bool,
    /// What a pointer that rests on it is told; safe as text.
    pub(super) words: String,
}

/// Room for at least so many columns, so that few are no walls.
const ROOM: usize = 10;

/// The height of the highest column.
const HEIGHT: u64 = 100;

/// Columns side by side, the worst at the foot. That of a scan that did not see everything is drawn open: more may be there.
pub(super) fn columns(columns: &[Column]) -> String {
    let most = columns.iter().map(|column| column.counts.total()).max().unwrap_or(0).max(1);
    let mut svg = format!(
        "<svg class=\"trend\" viewBox=\"0 0 {} {HEIGHT}\" preserveAspectRatio=\"none\" aria-hidden=\"true\" focusable=\"false\">",
        columns.len().max(ROOM) * 10
    );
    for (i, column) in columns.iter().enumerate() {
        let class = if column.complete { "" } else { " class=\"open\"" };
        let _ = write!(svg, "<g{class}><title>{}</title>", column.words);
        let _ = write!(svg, "<rect class=\"ground\" x=\"{}\" width=\"7\" height=\"{HEIGHT}\"/>", i * 10);
        let mut top = HEIGHT;
        for severity in Severity::ALL.into_iter().filter(|severity| column.counts.of(*severity) > 0) {
            let height = u128::from(column.counts.of(severity)) * u128::from(HEIGHT) / u128::from(most);
            let height = u64::try_from(height).unwrap_or(HEIGHT).clamp(1, top.max(1));
            top = top.saturating_sub(height);
            let (class, x) = (severity.rank(), i * 10);
            let _ = write!(svg, "<rect class=\"s{class}\" x=\"{x}\" y=\"{top}\" width=\"7\" height=\"{height}\"/>");
        }
        svg.push_str("</g>");
    }
    svg + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_long_as_their_share_and_never_nothing() {
        let bar = stacked(&SeverityCounts([1, 0, 500, 0, 0, 499]), 1000);
        assert!(bar.contains("<rect class=\"s0\" x=\"0\" width=\"4\" height=\"10\"/>"), "{bar}");
        assert!(bar.contains("<rect class=\"s2\" x=\"4\" width=\"500\" height=\"10\"/>"), "{bar}");
        assert!(bar.contains("<rect class=\"s5\" x=\"504\" width=\"499\" height=\"10\"/>"), "{bar}");
        assert_eq!(single(0, 0, "s0").matches("<rect").count(), 0);
        assert_eq!(share(u64::MAX, u64::MAX), LENGTH);
    }

    #[test]
    fn columns_stand_on_one_ground() {
        let column = |counts, complete| Column { counts: SeverityCounts(counts), complete, words: "w".to_owned() };
        let svg = columns(&[column([1, 0, 0, 3, 0, 0], true), column([0; 6], false)]);
        assert!(svg.contains("<rect class=\"s0\" x=\"0\" y=\"75\" width=\"7\" height=\"25\"/>"), "{svg}");
        assert!(svg.contains("<rect class=\"s3\" x=\"0\" y=\"0\" width=\"7\" height=\"75\"/>"), "{svg}");
        assert!(svg.contains("<g class=\"open\">"), "{svg}");
        assert!(columns(&[column([u64::MAX, 0, 0, 0, 0, 0], true)]).contains("height=\"100\""));
    }
}
