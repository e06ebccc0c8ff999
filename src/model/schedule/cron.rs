//! Cron expressions: five fields, or six with seconds before them.

use std::fmt;
use std::str::FromStr;

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use serde::{Deserialize, Serialize};

use super::super::nearest::Hint;

/// The fields, from the last, with least and greatest number.
const FIELDS: [(&str, &str, u16, u16); 6] = [
    ("weekday", "0-7 or SUN-SAT, as in 1-5, MON,WED or FRI#2", 0, 7),
    ("month", "1-12 or JAN-DEC, as in */3 or MAY", 1, 12),
    ("day of the month", "1-31, as in 1,15, L for the last or 15W for the working day nearest to it", 1, 31),
    ("hour", "0-23, as in 3, 8-17 or */6", 0, 23),
    ("minute", "0-59, as in 5, 0,30 or */15", 0, 59),
    ("second", "0-59, as in 0 or */10", 0, 59),
];
const NICKNAMES: [&str; 6] = ["@hourly", "@daily", "@weekly", "@monthly", "@yearly", "@annually"];

/// A cron expression that comes to pass, again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CronExpr {
    text: String,
    cron: Box<croner::Cron>,
    /// Whether the hour is `*`: it counts real time, and names no local times.
    hourly: bool,
}

/// An expression that cannot be read, with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}\n{expression}\n{}{}", " ".repeat(*at), "^".repeat(*len))]
pub struct InvalidCron {
    /// The expression, on one line.
    pub expression: String,
    /// The first character that is meant, from 0.
    pub at: usize,
    /// How many characters are meant, one at least.
    pub len: usize,
    /// What is wrong.
    pub message: String,
}

impl CronExpr {
    /// Returns the first moment after `after`, by the rules that [`super`] tells of. None in the year 5000.
    pub fn next_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        if self.hourly { self.next_by_real_time(after, zone) } else { self.next_local_time(after, zone) }
    }

    /// What it says, in words, as `at 03:00, on Monday`.
    pub fn in_words(&self) -> String {
        let words = self.cron.describe();
        let words = words.trim_end_matches('.');
        words
            .strip_prefix("At every")
            .map_or_else(|| words.replacen("At", "at", 1).replacen("Every", "every", 1), |rest| format!("every{rest}"))
    }

    /// Goes through local times in their order; the moments that they stand for have the same.
    fn next_local_time(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (mut local, mut inclusive) = (zone.to_datetime(after), true);
        loop {
            local = self.find(local, inclusive)?;
            let at = moment(local, zone)?;
            if at > after {
                return Some(at);
            }
            inclusive = false;
        }
    }

    /// Goes from one change of the offset to the next; between them the wall clock runs as time does.
    fn next_by_real_time(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let (mut from, mut inclusive) = (after, false);
        loop {
            let offset = zone.to_offset(from);
            let change = zone.following(from).next().map(|change| change.timestamp());
            let at = self.find(offset.to_datetime(from), inclusive).and_then(|local| offset.to_timestamp(local).ok());
            match (at, change) {
                (Some(at), Some(change)) if at < change => return Some(at),
                (_, Some(change)) => (from, inclusive) = (change, true),
                (at, None) => return at,
            }
        }
    }

    fn find(&self, from: DateTime, inclusive: bool) -> Option<DateTime> {
        let whole = from.with().subsec_nanosecond(0).build().ok()?;
        // A part of a second has begun: that second is over.
        let inclusive = inclusive && whole == from;
        self.cron.find_next_occurrence(&whole, inclusive).ok()
    }
}

/// The moment of a local time: the first of two, and after a gap that it is in.
fn moment(local: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
            offset.to_timestamp(local).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            // By the later offset it lies before the change that the gap is made by.
            Some(zone.following(after.to_timestamp(local).ok()?).next()?.timestamp())
        }
    }
}

impl FromStr for CronExpr {
    type Err = InvalidCron;

    fn from_str(text: &str) -> Result<Self, InvalidCron> {
        let expression = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(wrong) = wrong_field(&expression, false) {
            return Err(wrong);
        }
        // Reading a field by itself is slow, and needed only where the whole cannot be read.
        let cron = read(&expression).ok_or_else(|| {
            wrong_field(&expression, true).unwrap_or_else(|| whole(&expression, "it is no cron expression"))
        })?;
        // Until the year 5000: what has not come by then never comes.
        if cron.find_next_occurrence(&DateTime::constant(2000, 1, 1, 0, 0, 0, 0), true).is_err() {
            return Err(never(&expression));
        }
        let hourly = cron.pattern.hours.values().len() == 24;
        Ok(Self { text: expression, cron: Box::new(cron), hourly })
    }
}

fn read(expression: &str) -> Option<croner::Cron> {
    CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build().parse(expression).ok()
}

fn whole(expression: &str, message: impl Into<String>) -> InvalidCron {
    part(expression, 0, expression.chars().count(), message)
}

fn part(expression: &str, at: usize, len: usize, message: impl Into<String>) -> InvalidCron {
    InvalidCron { expression: expression.to_owned(), at, len: len.max(1), message: message.into() }
}

/// Marks the day and the month of which there is none.
fn never(expression: &str) -> InvalidCron {
    let fields: Vec<&str> = expression.split(' ').collect();
    let days = fields.len().saturating_sub(3);
    let at = fields.iter().take(days).map(|field| field.chars().count() + 1).sum();
    let len = fields.iter().skip(days).take(2).map(|field| field.chars().count() + 1).sum::<usize>();
    part(expression, at, len.saturating_sub(1), "there is no such day in any year")
}

/// Looks for what is wrong, field by field: for what is read otherwise than it looks, and if asked to for what cannot be read.
fn wrong_field(expression: &str, read_each: bool) -> Option<InvalidCron> {
    if expression.starts_with('@') {
        let known = NICKNAMES.iter().any(|name| expression.eq_ignore_ascii_case(name));
        let hint = Hint::new(expression, NICKNAMES);
        return (!known).then(|| whole(expression, format!("there is no `{expression}`{hint}")));
    }
    let fields: Vec<&str> = expression.split(' ').filter(|field| !field.is_empty()).collect();
    if !(5..=6).contains(&fields.len()) {
        let names = "minute, hour, day of the month, month and weekday, as in `*/15 8-17 * * MON-FRI`; seconds may come before them";
        return Some(whole(expression, format!("it has {} fields, not five or six: {names}", fields.len())));
    }
    let mut at = 0;
    for (i, field) in fields.iter().enumerate() {
        if let Some((offset, len, message)) = wrong_part(field, fields.len() - 1 - i, read_each) {
            return Some(part(expression, at + offset, len, message));
        }
        at += field.chars().count() + 1;
    }
    None
}

/// Looks at a field by itself; returns where it is wrong, how long that is, and why.
fn wrong_part(field: &str, from_last: usize, read_each: bool) -> Option<(usize, usize, String)> {
    let (name, range, least, greatest) = FIELDS[from_last];
    let fits = |part: &str| {
        if !read_each {
            return true;
        }
        let others = |n: usize| vec!["*"; n].join(" ");
        let alone = format!("{} {part} {}", others(5 - from_last), others(from_last));
        read(alone.trim()).is_some()
    };
    let mut at = 0;
    for part in field.split(',') {
        let len = part.chars().count();
        if part.is_empty() {
            return Some((at, 1, format!("something is missing before or after the comma of the {name}")));
        }
        let step = part.split_once('/').and_then(|(_, step)| step.parse::<u16>().ok());
        if let Some(step) = step.filter(|step| *step > greatest - least) {
            let message =
                format!("a step of {step} leaves the {name}, {least}-{greatest}; `every` may be of any length");
            return Some((at, len, message));
        }
        if !fits(part) {
            return Some((at, len, format!("`{part}` is no {name}: {range}")));
        }
        at += len + 1;
    }
    (!fits(field)).then(|| (0, field.chars().count(), format!("`{field}` is no {name}: {range}")))
}

impl TryFrom<String> for CronExpr {
    type Error = InvalidCron;

    fn try_from(text: String) -> Result<Self, InvalidCron> {
        text.parse()
    }
}

impl From<CronExpr> for String {
    fn from(cron: CronExpr) -> Self {
        cron.text
    }
}

impl fmt::Display for CronExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<CronExpr>().unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        insta::assert_snapshot!(refused("61 * * * *"), @r"
        `61` is no minute: 0-59, as in 5, 0,30 or */15
        61 * * * *
        ^^
        ");
        insta::assert_snapshot!(refused("*/15  8-17,25 * * MON"), @r"
        `25` is no hour: 0-23, as in 3, 8-17 or */6
        */15 8-17,25 * * MON
                  ^^
        ");
        insta::assert_snapshot!(refused("0 0 * * MONDAY"), @r"
        `MONDAY` is no weekday: 0-7 or SUN-SAT, as in 1-5, MON,WED or FRI#2
        0 0 * * MONDAY
                ^^^^^^
        ");
        insta::assert_snapshot!(refused("0 0 30 2 *"), @r"
        there is no such day in any year
        0 0 30 2 *
            ^^^^
        ");
        insta::assert_snapshot!(refused("*/90 * * * *"), @r"
        a step of 90 leaves the minute, 0-59; `every` may be of any length
        */90 * * * *
        ^^^^
        ");
        insta::assert_snapshot!(refused("1,,2 * * * *"), @r"
        something is missing before or after the comma of the minute
        1,,2 * * * *
          ^
        ");
        insta::assert_snapshot!(refused("@dayly"), @r"
        there is no `@dayly` (did you mean `@daily`?)
        @dayly
        ^^^^^^
        ");
        assert!(refused("* * * *").starts_with("it has 4 fields, not five or six"));
        assert!(refused("").starts_with("it has 0 fields"));
        assert!(refused("* * * * * * 2027").starts_with("it has 7 fields"));
        for text in [
            "5-1 * * * *",
            "ä * * * *",
            "0 0 * 0 *",
            "0 0 0 * *",
            "0 0 * * 8",
            "x y z a b",
            "*/0 * * * *",
            "5/10 * * * *",
        ] {
            assert!(refused(text).contains('\n'), "{text}");
        }
    }

    #[test]
    fn words_say_when() {
        let words = |text: &str| text.parse::<CronExpr>().unwrap().in_words();
        assert_eq!(words("*/15 * * * *"), "every 15 minutes");
        assert_eq!(words("0 3 * * *"), "at 03:00");
        assert_eq!(words("* * * * * *"), "every second");
        assert_eq!(words("30 2 * * MON"), "at 02:30, on Monday");
        assert_eq!(words("@daily"), "at 00:00");
    }

    /// The moments between two others, as local times with their offsets.
    fn between(text: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
        let (cron, zone): (CronExpr, _) = (text.parse().unwrap(), TimeZone::get(zone).unwrap());
        let (mut at, to): (Timestamp, Timestamp) = (from.parse().unwrap(), to.parse().unwrap());
        let mut found = Vec::new();
        while let Some(next) = cron.next_after(at, &zone).filter(|next| *next <= to) {
            found.push(next.to_zoned(zone.clone()).strftime("%d %H:%M %:z").to_string());
            at = next;
        }
        found
    }

    #[test]
    fn a_local_time_that_does_not_exist_runs_once_after_the_gap() {
        let spring = |text| between(text, "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T03:00:00Z");
        assert_eq!(spring("30 2 * * *"), ["29 03:00 +02:00"]);
        assert_eq!(spring("*/20 2 * * *"), ["29 03:00 +02:00"]);
        assert_eq!(spring("0 1-3 * * *"), ["29 01:00 +01:00", "29 03:00 +02:00"]);
        assert_eq!(
            spring("30 0-5 * * *"),
            ["29 00:30 +01:00", "29 01:30 +01:00", "29 03:00 +02:00", "29 03:30 +02:00", "29 04:30 +02:00"]
        );
    }

    #[test]
    fn a_local_time_that_comes_twice_runs_the_first_time() {
        let autumn = |text| between(text, "Europe/Berlin", "2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z");
        assert_eq!(autumn("30 2 * * *"), ["25 02:30 +02:00"]);
        assert_eq!(autumn("0,30 2 * * *"), ["25 02:00 +02:00", "25 02:30 +02:00"]);
        assert_eq!(autumn("0 1-3 * * *"), ["25 01:00 +02:00", "25 02:00 +02:00", "25 03:00 +01:00"]);
    }

    #[test]
    fn every_hour_is_every_hour() {
        let spring = between("30 * * * *", "Europe/Berlin", "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
        assert_eq!(spring, ["29 01:30 +01:00", "29 03:30 +02:00"]);
        let autumn = between("30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T02:00:00Z");
        assert_eq!(autumn, ["25 02:30 +02:00", "25 02:30 +01:00"]);
        // Half an hour is put forward here.
        let half = between("15 * * * *", "Australia/Lord_Howe", "2026-10-03T14:00:00Z", "2026-10-03T17:30:00Z");
        assert_eq!(half, ["04 01:15 +10:30", "04 03:15 +11:00", "04 04:15 +11:00"]);
    }

    #[test]
    fn a_day_that_was_left_out_runs_after_it() {
        let samoa = between("0 12 * * *", "Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-31T12:00:00Z");
        assert_eq!(samoa, ["29 12:00 -10:00", "31 00:00 +14:00", "31 12:00 +14:00"]);
    }
}
