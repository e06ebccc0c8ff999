//! Which of GitLab's reports a finding belongs to.

use crate::model::finding::Location;
use crate::model::target::{Target, TargetKind};
use crate::model::view::FindingView;

/// GitLab's reports of what is not a running service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Packages of an image.
    ContainerScanning,
    /// Packages of a source tree.
    DependencyScanning,
    /// Code and what declares infrastructure.
    Sast,
    /// Secrets in files.
    SecretDetection,
}

/// How a masked secret begins in what is stored of a result.
const MASKED: &str = "‹secret:";
/// Scanners that look for secrets alone, and do not print all that they find.
const FINDERS_OF_SECRETS: [&str; 7] =
    ["detect-secrets", "gitleaks", "kingfisher", "noseyparker", "rusty-hog", "trufflehog", "trufflehog3"];

impl Kind {
    /// Returns the kind of a finding in a scan of `target`; none for what is about a running service, or about no place at all.
    pub(super) fn of(finding: &FindingView, target: &Target) -> Option<Self> {
        match &finding.record.location {
            Location::Package { .. } if target.kind == TargetKind::Image => Some(Self::ContainerScanning),
            Location::Package { .. } => Some(Self::DependencyScanning),
            location if location.path().is_none() => None,
            _ if is_secret(finding) => Some(Self::SecretDetection),
            Location::File { .. } | Location::Resource { .. } => Some(Self::Sast),
            // A file in a layer that holds no secret: the report on containers knows packages only.
            _ => None,
        }
    }

    /// Returns the name in `scan.type`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::ContainerScanning => "container_scanning",
            Self::DependencyScanning => "dependency_scanning",
            Self::Sast => "sast",
            Self::SecretDetection => "secret_detection",
        }
    }

    /// Returns the name in `--format`.
    pub(super) const fn format(self) -> &'static str {
        match self {
            Self::ContainerScanning => "gitlab-container-scanning",
            Self::DependencyScanning => "gitlab-dependency-scanning",
            Self::Sast => "gitlab-sast",
            Self::SecretDetection => "gitlab-secret-detection",
        }
    }
}

fn is_secret(finding: &FindingView) -> bool {
    let record = &finding.record;
    FINDERS_OF_SECRETS.contains(&finding.scanner.as_str())
        || record.evidence.as_deref().is_some_and(|evidence| evidence.contains(MASKED))
        || record.message.contains(MASKED)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{finding, places};
    use super::*;
    use crate::model::severity::Severity;

    #[test]
    fn a_finding_belongs_to_one_report_or_none() {
        let kinds = |target: &str| -> Vec<Option<Kind>> {
            places().iter().map(|finding| Kind::of(finding, &target.parse().unwrap())).collect()
        };
        let dependency = Some(Kind::DependencyScanning);
        assert_eq!(kinds("dir:."), [dependency, dependency, None, None, None, Some(Kind::Sast), None, None]);
        assert_eq!(kinds("image:alpine")[..2], [Some(Kind::ContainerScanning); 2]);
    }

    #[test]
    fn a_masked_secret_or_its_finder_makes_a_secret() {
        let target: Target = "dir:.".parse().unwrap();
        let mut view = finding(Severity::High, "bandit", "B105", "Password", "a.py", 1);
        assert_eq!(Kind::of(&view, &target), Some(Kind::Sast));
        view.record.evidence = Some("x = '‹secret:01234567›'".to_owned());
        assert_eq!(Kind::of(&view, &target), Some(Kind::SecretDetection));
        let view = finding(Severity::High, "gitleaks", "key", "Key", "a.py", 1);
        assert_eq!(Kind::of(&view, &target), Some(Kind::SecretDetection));
    }
}
