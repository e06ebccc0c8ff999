//! The image in a file: an OCI image layout that is a `docker save` archive too, so that one file suits every tool.
//!
//! Source: OCI image format specification 1.0, `image-layout.md`; Docker image specification 1.2 for `manifest.json`, which is all
//! that engines before 25 read.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;

use super::image::{Blob, Descriptor, Image, MANIFEST, Platform, header, json};
use super::reference::Reference;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The name by which containerd knows the image.
const CONTAINERD_NAME: &str = "io.containerd.image.name";
/// The tag, for skopeo and podman.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Writes the image under a name; the same image and name give the same bytes.
pub fn write(image: &Image, name: &Reference, out: impl io::Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(out);
    let mut put = |path: &str, bytes: &[u8]| tar.append_data(&mut header(bytes.len() as u64, 0o644), path, bytes);
    put("oci-layout", br#"{"imageLayoutVersion":"1.0.0"}"#)?;
    put("index.json", &json(&index(image, name)))?;
    put("manifest.json", &json(&[docker_manifest(image, name)]))?;
    for blob in [&image.manifest, &image.config, &image.layer] {
        put(&path(blob), &blob.bytes)?;
    }
    tar.into_inner()?.flush()
}

fn path(blob: &Blob) -> String {
    format!("blobs/sha256/{}", blob.sha256)
}

fn index<'a>(image: &Image, name: &Reference) -> Index<'a> {
    let mut manifest = Descriptor::of(&image.manifest, MANIFEST);
    manifest.platform = Some(Platform { architecture: image.architecture.as_str(), os: "linux" });
    manifest.annotations = BTreeMap::from([(CONTAINERD_NAME, name.to_string()), (REF_NAME, name.tag().to_owned())]);
    Index { schema_version: 2, media_type: INDEX, manifests: [manifest] }
}

fn docker_manifest(image: &Image, name: &Reference) -> DockerManifest {
    DockerManifest { config: path(&image.config), repo_tags: [name.to_string()], layers: [path(&image.layer)] }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u8,
    media_type: &'static str,
    manifests: [Descriptor<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct DockerManifest {
    config: String,
    repo_tags: [String; 1],
    layers: [String; 1],
}

#[cfg(test)]
mod tests {
    use super::super::image::{build, tests::program};
    use super::*;

    #[test]
    fn every_document_is_there_under_the_name_that_the_others_use() {
        let image = build(&program(), "1", 1).unwrap();
        let name: Reference = Reference::parse("dragnet.local/agent", "1").unwrap();
        let mut file = Vec::new();
        write(&image, &name, &mut file).unwrap();
        let mut again = Vec::new();
        write(&image, &name, &mut again).unwrap();
        assert_eq!(file, again);

        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(&*file).entries().unwrap() {
            let mut entry = entry.unwrap();
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            files.insert(path, bytes);
        }
        let read = |path: &str| serde_json::from_slice::<serde_json::Value>(&files[path]).unwrap();
        let index = read("index.json");
        assert_eq!(index["manifests"][0]["digest"], image.manifest.digest());
        assert_eq!(index["manifests"][0]["annotations"][REF_NAME], "1");
        let docker = read("manifest.json");
        assert_eq!(docker[0]["RepoTags"][0], "dragnet.local/agent:1");
        assert_eq!(files[docker[0]["Config"].as_str().unwrap()], image.config.bytes);
        assert_eq!(files[docker[0]["Layers"][0].as_str().unwrap()], image.layer.bytes);
    }
}
