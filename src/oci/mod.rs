//! Images and the registries that keep them: the agent's image made and pushed, and what a tag means looked up.
//!
//! # The agent's image
//! It is dragnet alone, for clusters and engines whose containers run it as their first process.
//!
//! No engine builds it. An image is three documents: a layer (a tar with one file), a configuration that names the layer, and a
//! manifest that names both by their hashes; the manifest's hash is the image's digest. All three are made here, from the
//! program's bytes and nothing else, so that the same program gives the same digest wherever and whenever it is built, and
//! however it then travels: [`archive`] for a file, [`push()`] for a registry.
//!
//! The layer is not compressed: what a compressor writes differs from one release of it to the next, and the digest with it.
//!
//! # Registries
//! Of the distribution API there is what these two need: to push one small image, and to [`resolve()`] a tag. Nothing is pulled; engines
//! and nodes do that.

pub mod archive;
mod auth;
mod image;
mod push;
mod reference;
mod resolve;
mod session;

pub use image::{Blob, Image, build, tag};
pub use push::push;
pub use reference::{InvalidReference, Reference};
pub use resolve::resolve;
pub use session::RegistryError;
