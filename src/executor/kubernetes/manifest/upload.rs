//! The addresses of object storage, for the keeper and nobody else in the pod.

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{PodSpec, Secret, SecretVolumeSource, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::{KEEPER, ROOT, mount, parent};
use crate::model::pod;
use crate::model::spec::Launch;
use crate::model::upload::Upload;

/// What the Secret's name has behind the attempt's.
pub(in super::super) const ADDRESSES: &str = "-s3";
/// The volume.
const VOLUME: &str = "upload";

/// Returns the name of the Secret with an attempt's addresses.
pub(in super::super) fn addresses_name(attempt: &str) -> String {
    format!("{attempt}{ADDRESSES}")
}

/// Describes the Secret with an attempt's addresses: they are in no other object.
pub(in super::super) fn addresses(launch: &Launch, upload: &Upload) -> Secret {
    let (_, file) = pod::paths::UPLOAD.split_once('/').unwrap_or_default();
    let text = ByteString(serde_json::to_vec(upload).unwrap_or_default());
    Secret {
        metadata: ObjectMeta {
            name: Some(addresses_name(launch.name.as_str())),
            labels: Some(launch.labels("addresses")),
            ..Default::default()
        },
        data: Some([(file.to_owned(), text)].into()),
        immutable: Some(true),
        type_: Some("Opaque".to_owned()),
        ..Default::default()
    }
}

/// Mounts the Secret in the keeper.
pub(super) fn mount_addresses(launch: &Launch, pod: &mut PodSpec) {
    pod.volumes.get_or_insert_default().push(Volume {
        name: VOLUME.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(addresses_name(launch.name.as_str())),
            default_mode: Some(0o400),
            ..Default::default()
        }),
        ..Default::default()
    });
    let place = format!("{ROOT}/{}", pod::paths::UPLOAD);
    for keeper in pod.containers.iter_mut().filter(|container| container.name == KEEPER) {
        keeper.volume_mounts.get_or_insert_default().push(mount(VOLUME, parent(&place), true));
    }
}
