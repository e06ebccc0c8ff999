//! Scores of the Common Vulnerability Scoring System, versions 2.0 to 4.0.

use crate::model::finding::Cvss;

/// The score that follows from a vector; a bare one of version 3 counts as of 3.1.
pub(super) fn of_vector(vector: &str) -> Option<Cvss> {
    let vector = vector.trim();
    let parsed: cvss::Cvss = vector.parse().or_else(|_| format!("CVSS:3.1/{vector}").parse()).ok()?;
    Some(Cvss { score: parsed.score(), vector: Some(vector.to_owned()) })
}

/// A score as it is printed, else the one that follows from the vector. A zero without a vector says "not scored".
pub(super) fn given(score: Option<f64>, vector: Option<&str>) -> Option<Cvss> {
    let printed = score.filter(|score| (0.0..=10.0).contains(score) && (*score > 0.0 || vector.is_some()));
    match printed {
        Some(score) => Some(Cvss { score, vector: vector.map(str::to_owned) }),
        None => of_vector(vector?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_every_version_have_a_score() {
        let score = |vector| of_vector(vector).map(|cvss| cvss.score.to_string());
        assert_eq!(score("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H").as_deref(), Some("9.8"));
        assert_eq!(score("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H").as_deref(), Some("9.8"));
        assert_eq!(score("AV:N/AC:L/Au:N/C:P/I:P/A:P").as_deref(), Some("7.5"));
        assert!(score("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N").is_some());
        assert_eq!(score("high"), None);
    }

    #[test]
    fn what_is_not_scored_has_no_score() {
        assert_eq!(given(Some(0.0), None), None);
        assert_eq!(given(Some(11.0), None), None);
        assert_eq!(given(Some(5.3), None).map(|cvss| cvss.score.to_string()).as_deref(), Some("5.3"));
    }
}
