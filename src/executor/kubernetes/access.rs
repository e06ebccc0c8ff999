//! Which rights the executor needs, and whether it has them.

use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec, SubjectAccessReviewStatus,
};

use super::core::Core;
use crate::executor::{ExecutorError, Unmet};

/// API group, resource, verbs: every call that is made.
const RIGHTS: [(&str, &str, &[&str]); 6] = [
    ("batch", "jobs", &["create", "get", "list", "watch", "delete"]),
    ("", "pods", &["list", "watch", "delete"]),
    // Servers differ in which of the two an exec takes.
    ("", "pods/exec", &["get", "create"]),
    ("", "secrets", &["create", "get", "list", "patch", "delete"]),
    ("", "events", &["list"]),
    ("networking.k8s.io", "networkpolicies", &["create", "list", "delete"]),
];

/// What is asked beside these where results are kept on a claim.
const CLAIM: (&str, &str, &[&str]) = ("", "persistentvolumeclaims", &["get"]);

impl Core {
    fn rights(&self) -> Vec<(&'static str, &'static str, &'static [&'static str])> {
        let claim = self.rules.options.results_claim.as_ref().map(|_| CLAIM);
        RIGHTS.into_iter().chain(claim).collect()
    }

    /// Asks the cluster about each right; returns those that are missing, and last the Role that has them all.
    pub(super) async fn missing_rights(&self) -> Result<Vec<Unmet>, ExecutorError> {
        let mut missing = Vec::new();
        for (group, resource, verbs) in self.rights() {
            for verb in verbs {
                if !self.may(group, resource, verb).await? {
                    let message = format!("the cluster forbids it in the namespace {}", self.cluster.namespace);
                    missing.push(Unmet { item: format!("right: {verb} {resource}"), message });
                }
            }
        }
        if !missing.is_empty() {
            missing.push(Unmet { item: "role".to_owned(), message: role(&self.cluster.namespace, &self.rights()) });
        }
        Ok(missing)
    }

    async fn may(&self, group: &str, resource: &str, verb: &str) -> Result<bool, ExecutorError> {
        let (resource, subresource) = match resource.split_once('/') {
            Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
            None => (resource, None),
        };
        let attributes = ResourceAttributes {
            namespace: Some(self.cluster.namespace.clone()),
            group: Some(group.to_owned()),
            resource: Some(resource.to_owned()),
            subresource,
            verb: Some(verb.to_owned()),
            ..Default::default()
        };
        let spec = SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() };
        let review = SelfSubjectAccessReview { spec, ..Default::default() };
        let status = self.cluster.review(&review).await?.status;
        Ok(matches!(status, Some(SubjectAccessReviewStatus { allowed: true, .. })))
    }
}

/// Writes the Role that the executor needs, to be applied by whoever may.
fn role(namespace: &str, rights: &[(&str, &str, &[&str])]) -> String {
    let mut text = format!(
        "apply this and bind it to the account that dragnet uses:\napiVersion: rbac.authorization.k8s.io/v1\nkind: Role\n\
         metadata: {{ name: dragnet, namespace: {namespace} }}\nrules:\n"
    );
    for (group, resource, verbs) in rights {
        let verbs = verbs.join(", ");
        text.extend(["- { apiGroups: [\"", group, "\"], resources: [", resource, "], verbs: [", &verbs, "] }\n"]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_names_every_right() {
        let text = role("scans", &RIGHTS);
        assert!(text.contains("namespace: scans"));
        for (_, resource, verbs) in RIGHTS {
            let line = text.lines().find(|line| line.contains(&format!("[{resource}]"))).unwrap();
            assert!(verbs.iter().all(|verb| line.contains(verb)), "{line}");
        }
    }

    #[test]
    fn the_example_has_the_role_that_is_printed() {
        let text = role("dragnet", &RIGHTS);
        let (_, printed) = text.split_once('\n').unwrap();
        let read = |text: &str| serde_saphyr::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(include_str!("../../../examples/deploy/kubernetes/role.yaml")), read(printed));
    }
}
