//! A time zone by its name.

use std::fmt;
use std::str::FromStr;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::super::nearest::Hint;

/// A time zone of the IANA database, such as `Europe/Berlin`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A name that no time zone has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone `{name}`{hint}; write one as in Europe/Berlin")]
pub struct InvalidZone {
    name: String,
    hint: Hint,
}

impl Zone {
    /// Its rules.
    pub const fn rules(&self) -> &TimeZone {
        &self.zone
    }

    /// Its name, in the spelling of the database.
    pub fn as_str(&self) -> &str {
        &self.name
    }
}

impl Default for Zone {
    fn default() -> Self {
        Self { name: "UTC".to_owned(), zone: TimeZone::UTC }
    }
}

impl FromStr for Zone {
    type Err = InvalidZone;

    fn from_str(text: &str) -> Result<Self, InvalidZone> {
        match TimeZone::get(text) {
            Ok(zone) => {
                let name = zone.iana_name().unwrap_or(text).to_owned();
                Ok(Self { name, zone })
            }
            Err(_) => Err(InvalidZone { name: text.to_owned(), hint: nearest(text) }),
        }
    }
}

/// The nearest name; one whose city was meant is found by that alone.
fn nearest(text: &str) -> Hint {
    let names: Vec<String> = jiff::tz::db().available().map(|name| name.to_string()).collect();
    let city = |name: &str| name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let same = names.iter().find(|name| city(name) == city(&text.replace(' ', "_")));
    match same {
        Some(name) => Hint(Some(name.clone())),
        None => Hint::new(text, names.iter().map(String::as_str)),
    }
}

impl TryFrom<String> for Zone {
    type Error = InvalidZone;

    fn try_from(text: String) -> Result<Self, InvalidZone> {
        text.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.name
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_found_whatever_the_case_and_others_refused_with_the_nearest() {
        assert_eq!("europe/berlin".parse::<Zone>().unwrap().to_string(), "Europe/Berlin");
        let refused = |text: &str| text.parse::<Zone>().unwrap_err().to_string();
        assert_eq!(
            refused("Europe/Berlim"),
            "there is no time zone `Europe/Berlim` (did you mean `Europe/Berlin`?); write one as in Europe/Berlin"
        );
        assert!(refused("new york").contains("did you mean `America/New_York`?"));
        for text in ["", "../../etc/passwd", "qqqqqqqqqqqq", "right/Europe/Berlin"] {
            assert!(text.parse::<Zone>().is_err(), "{text}");
        }
    }
}
