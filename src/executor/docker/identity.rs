//! Who an engine is.

use bollard::models::{SystemInfo, SystemVersion};

/// The engine that speaks Docker's language without being Docker.
const PODMAN: &str = "Podman";

/// Who an engine is, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// The engine's name.
    pub(super) product: &'static str,
    text: String,
}

impl Identity {
    pub(super) fn of(info: &SystemInfo, version: &SystemVersion) -> Self {
        let product = product(version);
        Self { product, text: text(info, product) }
    }

    /// Returns who answers now, where this one has answered before.
    pub(super) fn now(&self, info: &SystemInfo) -> String {
        text(info, self.product)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }
}

/// Returns the engine's name, as the components of its version tell it.
fn product(version: &SystemVersion) -> &'static str {
    let mut components = version.components.iter().flatten();
    if components.any(|component| component.name == "Podman Engine") { PODMAN } else { "Docker" }
}

/// An engine is known by its id and by where it keeps its files: up to version 22 all of one machine have one id (`/etc/docker/key.json`).
/// Those without an id are known by their name; so is Podman, which makes up a new id each time it is asked (4.3.1,
/// `pkg/api/handlers/compat/info.go`).
fn text(info: &SystemInfo, product: &str) -> String {
    let field = |field: &Option<String>| field.clone().unwrap_or_default();
    let who = match field(&info.id) {
        id if !id.is_empty() && product != PODMAN => id,
        _ => field(&info.name),
    };
    format!("{who}:{}", field(&info.docker_root_dir))
}

#[cfg(test)]
mod tests {
    use bollard::models::SystemVersionComponents;

    use super::*;

    #[test]
    fn an_engine_is_known_by_its_id_and_its_place_and_by_its_name_where_it_makes_up_its_id() {
        let component = |name: &str| SystemVersionComponents { name: name.to_owned(), ..Default::default() };
        let version = |name: &str| SystemVersion {
            components: Some(vec![component(name), component("Conmon")]),
            ..Default::default()
        };
        let info = SystemInfo {
            id: Some("id".to_owned()),
            name: Some("host".to_owned()),
            docker_root_dir: Some("/root".to_owned()),
            ..Default::default()
        };
        let known = |info: &SystemInfo, version: &SystemVersion| Identity::of(info, version).as_str().to_owned();
        assert_eq!(known(&info, &version("Podman Engine")), "host:/root");
        assert_eq!(known(&info, &version("Engine")), "id:/root");
        let nameless = SystemInfo { id: None, ..info.clone() };
        assert_eq!(known(&nameless, &SystemVersion::default()), "host:/root");
        let other = SystemInfo { docker_root_dir: Some("/other".to_owned()), ..info.clone() };
        let first = Identity::of(&info, &version("Engine"));
        assert_eq!((first.now(&info), first.now(&other)), ("id:/root".to_owned(), "id:/other".to_owned()));
    }
}
