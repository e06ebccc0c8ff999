//! The image itself: layer, configuration and manifest, as bytes.
//!
//! Source: OCI image format specification 1.0, `layer.md`, `config.md`, `manifest.md`.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use serde::Serialize;

use crate::model::id::Sha256;
use crate::model::program::{Architecture, UnfitProgram, architecture};

/// Media type of the manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The only file.
const PROGRAM: &str = "dragnet";
/// Nobody in particular; the user of every container of ours.
const USER: &str = "65532:65532";
/// Nothing in the image depends on when it was made.
const CREATED: &str = "1970-01-01T00:00:00Z";
/// Label with the program's hash. Not among the labels of what belongs to a state: containers inherit the labels of their
/// image, and these would be taken for such.
const LABEL_PROGRAM: &str = "dragnet.dev/agent.sha256";
const LABEL_PROTOCOL: &str = "dragnet.dev/agent.protocol";

/// An image with one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// What the program runs on; the system is Linux.
    pub architecture: Architecture,
    /// Hash of the program.
    pub program: Sha256,
    /// The layer, a tar.
    pub layer: Blob,
    /// The configuration; its hash is the id by which engines know the image.
    pub config: Blob,
    /// The manifest; its hash is the image's digest.
    pub manifest: Blob,
}

/// Bytes and what they are named by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Their hash.
    pub sha256: Sha256,
    /// The bytes.
    pub bytes: Bytes,
}

impl Blob {
    fn new(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { sha256: Sha256::of(&bytes), bytes }
    }

    /// Returns the hash as images write it.
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.sha256)
    }
}

impl Image {
    /// Returns the tag that says what is inside: `<version>-<first 12 digits of the program's hash>`.
    pub fn tag(&self, version: &str) -> String {
        tag(self.program, version)
    }
}

/// Returns the tag of the image that [`build`] makes of a program, without making it.
pub fn tag(program: Sha256, version: &str) -> String {
    format!("{version}-{}", &program.to_string()[..12])
}

/// Builds the image of a program, which must be able to run in an image that holds nothing else.
pub fn build(program: &[u8], version: &str, protocol: u32) -> Result<Image, UnfitProgram> {
    let (architecture, sha256) = (architecture(program)?, Sha256::of(program));
    let layer = Blob::new(layer(program).unwrap_or_else(|error| unreachable!("a tar in memory: {error}")));
    let labels = BTreeMap::from([
        ("org.opencontainers.image.title", "dragnet agent".to_owned()),
        ("org.opencontainers.image.description", "First process of the containers that dragnet runs".to_owned()),
        ("org.opencontainers.image.licenses", "Apache-2.0".to_owned()),
        ("org.opencontainers.image.version", version.to_owned()),
        (LABEL_PROGRAM, sha256.to_string()),
        (LABEL_PROTOCOL, protocol.to_string()),
    ]);
    let config = Blob::new(json(&Configuration {
        architecture: architecture.as_str(),
        config: Settings { entrypoint: [format!("/{PROGRAM}")], labels, user: USER },
        created: CREATED,
        history: [History { created: CREATED, created_by: "dragnet agent-image" }],
        os: "linux",
        rootfs: RootFs { kind: "layers", diff_ids: [layer.digest()] },
    }));
    let manifest = Blob::new(json(&Manifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: Descriptor::of(&config, CONFIG),
        layers: [Descriptor::of(&layer, LAYER)],
    }));
    Ok(Image { architecture, program: sha256, layer, config, manifest })
}

/// Packs the program, owned by root and closed to writing.
fn layer(program: &[u8]) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::with_capacity(program.len() + (4 << 10)));
    tar.append_data(&mut header(program.len() as u64, 0o755), PROGRAM, program)?;
    tar.into_inner()
}

/// A header of a regular file with nothing in it that differs from one machine or moment to the next.
pub(super) fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}

/// Writes a document; its members come in the order of its type.
pub(super) fn json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).unwrap_or_else(|error| unreachable!("plain strings and numbers: {error}"))
}

/// Names bytes in another document.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor<'a> {
    media_type: &'a str,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<Platform>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) annotations: BTreeMap<&'a str, String>,
}

/// What an image runs on.
#[derive(Debug, Serialize)]
pub(super) struct Platform {
    pub(super) architecture: &'static str,
    pub(super) os: &'static str,
}

impl<'a> Descriptor<'a> {
    pub(super) fn of(blob: &Blob, media_type: &'a str) -> Self {
        let size = blob.bytes.len();
        Self { media_type, digest: blob.digest(), size, platform: None, annotations: BTreeMap::new() }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest<'a> {
    schema_version: u8,
    media_type: &'static str,
    config: Descriptor<'a>,
    layers: [Descriptor<'a>; 1],
}

#[derive(Serialize)]
struct Configuration {
    architecture: &'static str,
    config: Settings,
    created: &'static str,
    history: [History; 1],
    os: &'static str,
    rootfs: RootFs,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Settings {
    entrypoint: [String; 1],
    labels: BTreeMap<&'static str, String>,
    user: &'static str,
}

#[derive(Serialize)]
struct History {
    created: &'static str,
    created_by: &'static str,
}

#[derive(Serialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: [String; 1],
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The header of a static program for amd64, without segments.
    pub(in crate::oci) fn program() -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1]);
        bytes[18..20].copy_from_slice(&62_u16.to_le_bytes());
        bytes
    }

    #[test]
    fn the_image_is_the_program_and_nothing_else() {
        let image = build(&program(), "1.2.3", 1).unwrap();
        let mut layer = tar::Archive::new(&*image.layer.bytes);
        let entries: Vec<_> = layer
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let header = entry.header();
                let path = entry.path().unwrap().to_string_lossy().into_owned();
                (path, header.mode().unwrap(), header.uid().unwrap(), header.mtime().unwrap(), entry.size())
            })
            .collect();
        assert_eq!(entries, [("dragnet".to_owned(), 0o755, 0, 0, 64)]);

        let config: serde_json::Value = serde_json::from_slice(&image.config.bytes).unwrap();
        assert_eq!(config["architecture"], "amd64");
        assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/dragnet"]));
        assert_eq!(config["config"]["User"], "65532:65532");
        assert_eq!(config["config"]["Labels"]["org.opencontainers.image.version"], "1.2.3");
        assert_eq!(config["rootfs"]["diff_ids"], serde_json::json!([image.layer.digest()]));
        // None that makes a container look like one of a state's.
        let labels = config["config"]["Labels"].as_object().unwrap();
        assert!(!labels.contains_key(crate::model::spec::label::ROLE));
        let manifest: serde_json::Value = serde_json::from_slice(&image.manifest.bytes).unwrap();
        assert_eq!(manifest["config"]["digest"], image.config.digest());
        assert_eq!(manifest["layers"][0]["size"], image.layer.bytes.len());
        assert_eq!(image.tag("1.2.3"), format!("1.2.3-{}", &Sha256::of(program()).to_string()[..12]));
    }

    #[test]
    fn the_digest_is_of_the_program_and_of_no_moment() {
        // Changes when any byte of the image does; that is a change of what users pin.
        let image = build(&program(), "1.2.3", 1).unwrap();
        insta::assert_snapshot!(image.manifest.digest(), @"sha256:22dd4a4f5511eae4a7a8404be9af5bbef6337e0a0260fea6758f77846d0b21e7");
        assert_eq!(build(&program(), "1.2.3", 1), Ok(image.clone()));
        let mut other = program();
        other.push(0);
        assert_ne!(build(&other, "1.2.3", 1).unwrap().manifest, image.manifest);
        assert_eq!(build(b"#!/bin/sh", "1.2.3", 1), Err(UnfitProgram::NoProgram));
    }
}
