//! A letter: sealed results that are small, as a text that only the state opens which has ordered them.
//!
//! An engine shows such a text to everybody who may look at its containers, and results may hold secrets. So they are encrypted, by
//! HPKE (RFC 9180, base mode), to a key pair that follows from the state's own secret and is another one for each attempt; name and
//! specification are bound as associated data. No key is stored: any driver of the state opens what another one has ordered. That a
//! letter opens says for whom it was written and not by whom, so what is in it is checked as all results are.
//!
//! ```text
//! dn1.BASE64URL( encapsulated key | ciphertext of: length of the manifest, 4 bytes | manifest, compressed | parts, in order )
//! ```

use std::fmt;

use aws_lc_rs::agreement::{PrivateKey, X25519};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_X25519_HKDF_SHA256_AES_256 as SUITE;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke as _, HpkePrivateKey, HpkePublicKey};

use crate::model::id::{AttemptName, Sha256};

/// What every letter begins with.
const MARK: &str = "dn1.";
/// What keys and ciphertexts are for, so that they are good for nothing else.
const PURPOSE: &[u8] = b"dragnet letter 1";
/// Bytes of a key, and of an encapsulated one.
const KEY: usize = 32;
/// Bytes of the manifest's length.
const LENGTH: usize = 4;
/// Longest manifest in a letter, in bytes, as it was written.
const MAX_MANIFEST: usize = 256 << 10;
/// Compression level of the manifest: few bytes, so the most that there is without dear memory.
const LEVEL: i32 = 19;

/// What is in a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// The manifest as it was sealed.
    pub manifest: Vec<u8>,
    /// The parts, one behind the other.
    pub parts: Vec<u8>,
}

/// Why there is no letter, or none that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// The key is none.
    #[error("the key that it would be written to is none")]
    Key,
    /// It is no letter, is cut short, was changed, or is for another attempt or state.
    #[error("it was not written as it is here, or not for this attempt of this state")]
    Foreign,
}

/// What the keys of all letters to a state follow from. Shows nothing when debugged.
#[derive(Clone)]
pub struct StateKey(Prk);

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey(…)")
    }
}

impl StateKey {
    /// Makes the key of a state with this secret.
    pub fn of(secret: &[u8]) -> Self {
        Self(Salt::new(HKDF_SHA256, PURPOSE).extract(secret))
    }

    /// Returns the public key that the letter of an attempt is to be written to, as text.
    pub fn address(&self, name: &AttemptName, spec: Sha256) -> Result<String, LetterError> {
        let private = self.private(name, spec)?;
        let private = PrivateKey::from_private_key(&X25519, private.secret_bytes()).map_err(|_| LetterError::Key)?;
        let public = private.compute_public_key().map_err(|_| LetterError::Key)?;
        Ok(URL_SAFE_NO_PAD.encode(public))
    }

    /// Opens the letter of an attempt.
    pub fn open(&self, name: &AttemptName, spec: Sha256, text: &str) -> Result<Contents, LetterError> {
        let opened = || {
            let bytes = URL_SAFE_NO_PAD.decode(text.strip_prefix(MARK)?).ok()?;
            let (key, ciphertext) = bytes.split_at_checked(KEY)?;
            let (key, private) = (EncapsulatedSecret(key.to_vec()), self.private(name, spec).ok()?);
            let plain = SUITE.open(&key, PURPOSE, &associated(name, spec), ciphertext, &private).ok()?;
            unpack(&plain)
        };
        opened().ok_or(LetterError::Foreign)
    }

    fn private(&self, name: &AttemptName, spec: Sha256) -> Result<HpkePrivateKey, LetterError> {
        expand(&self.0, &[&associated(name, spec)]).and_then(|seed| derive(&seed)).ok_or(LetterError::Key)
    }
}

/// Whether a text is meant to be a letter.
pub fn is_letter(text: &str) -> bool {
    text.starts_with(MARK)
}

/// Writes the letter of an attempt to a public key; `None` when it would be longer than `max` bytes.
pub fn write(
    address: &str,
    name: &AttemptName,
    spec: Sha256,
    contents: &Contents,
    max: usize,
) -> Result<Option<String>, LetterError> {
    let Some(plain) = pack(contents) else { return Ok(None) };
    let key = URL_SAFE_NO_PAD.decode(address).map_err(|_| LetterError::Key)?;
    let sealed = SUITE.seal(PURPOSE, &associated(name, spec), &plain, &HpkePublicKey(key));
    let (EncapsulatedSecret(key), ciphertext) = sealed.map_err(|_| LetterError::Key)?;
    let text = format!("{MARK}{}", URL_SAFE_NO_PAD.encode([key, ciphertext].concat()));
    Ok((text.len() <= max).then_some(text))
}

/// What a letter is bound to.
fn associated(name: &AttemptName, spec: Sha256) -> Vec<u8> {
    [name.as_str().as_bytes(), b"\0", &spec.0].concat()
}

fn pack(contents: &Contents) -> Option<Vec<u8>> {
    if contents.manifest.len() > MAX_MANIFEST {
        return None;
    }
    let manifest = zstd::bulk::compress(&contents.manifest, LEVEL).ok()?;
    let length = u32::try_from(manifest.len()).ok()?;
    Some([&length.to_be_bytes()[..], &manifest, &contents.parts].concat())
}

fn unpack(plain: &[u8]) -> Option<Contents> {
    let (length, rest) = plain.split_first_chunk::<LENGTH>()?;
    let (manifest, parts) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let manifest = zstd::bulk::decompress(manifest, MAX_MANIFEST).ok()?;
    Some(Contents { manifest, parts: parts.to_vec() })
}

/// `DeriveKeyPair` of DHKEM(X25519, HKDF-SHA256): RFC 9180, section 7.1.3.
fn derive(seed: &[u8]) -> Option<HpkePrivateKey> {
    const SCHEME: &[u8] = b"HPKE-v1KEM\0\x20";
    let extracted = Salt::none(HKDF_SHA256).extract(&[SCHEME, b"dkp_prk", seed].concat());
    let private = expand(&extracted, &[b"\0\x20", SCHEME, b"sk"])?;
    Some(HpkePrivateKey::from(private.to_vec()))
}

fn expand(key: &Prk, info: &[&[u8]]) -> Option<[u8; KEY]> {
    let mut bytes = [0; KEY];
    key.expand(info, HKDF_SHA256).and_then(|expanded| expanded.fill(&mut bytes)).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 4096;

    fn name(attempt: u32) -> AttemptName {
        format!("dn-00000000-00000001-test-0-a{attempt:02}").parse().unwrap()
    }

    fn spec() -> Sha256 {
        Sha256::of("spec")
    }

    fn key() -> StateKey {
        StateKey::of(b"secret")
    }

    fn contents(len: usize) -> Contents {
        let hashes = (0_u32..).flat_map(|number| Sha256::of(number.to_be_bytes()).0);
        Contents { manifest: br#"{"version":1}"#.to_vec(), parts: hashes.take(len).collect() }
    }

    fn letter(contents: &Contents) -> String {
        let address = key().address(&name(1), spec()).unwrap();
        write(&address, &name(1), spec(), contents, MAX).unwrap().unwrap()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn key_pairs_are_derived_as_the_standard_says() {
        // RFC 9180, appendix A.1.1: the recipient's.
        let private = derive(&bytes("6db9df30aa07dd42ee5e8181afdb977e538f5e1fec8a06223f33f7013e525037")).unwrap();
        let expected = bytes("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8");
        assert_eq!(private.secret_bytes(), expected);
        let public = PrivateKey::from_private_key(&X25519, &expected).unwrap().compute_public_key().unwrap();
        assert_eq!(public.as_ref(), bytes("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d"));
    }

    #[test]
    fn a_letter_is_opened_by_the_state_that_it_was_written_to_and_by_no_other() {
        let (contents, spec) = (contents(100), spec());
        let letter = letter(&contents);
        assert!(is_letter(&letter));
        assert_eq!(StateKey::of(b"secret").open(&name(1), spec, &letter), Ok(contents.clone()), "by another driver");
        assert_eq!(StateKey::of(b"other").open(&name(1), spec, &letter), Err(LetterError::Foreign));
        assert_eq!(key().open(&name(2), spec, &letter), Err(LetterError::Foreign));
        assert_eq!(key().open(&name(1), Sha256::of("other"), &letter), Err(LetterError::Foreign));
        // To the right key, and written for something else.
        let address = key().address(&name(1), spec).unwrap();
        let forged = write(&address, &name(2), spec, &contents, MAX).unwrap().unwrap();
        for attempt in [1, 2] {
            assert_eq!(key().open(&name(attempt), spec, &forged), Err(LetterError::Foreign));
        }
    }

    #[test]
    fn each_attempt_has_an_address_of_its_own_that_is_always_the_same() {
        let address = |attempt| key().address(&name(attempt), spec()).unwrap();
        assert_eq!(address(1), address(1));
        assert_ne!(address(1), address(2));
        assert_ne!(address(1), StateKey::of(b"other").address(&name(1), spec()).unwrap());
        assert!(!format!("{:?}", StateKey::of(b"visible")).contains("visible"));
    }

    #[test]
    fn what_was_cut_or_changed_does_not_open() {
        let letter = letter(&contents(100));
        for end in 0..letter.len() {
            assert_eq!(key().open(&name(1), spec(), &letter[..end]), Err(LetterError::Foreign), "cut at {end}");
        }
        for at in MARK.len()..letter.len() {
            let other = if letter.as_bytes()[at] == b'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &letter[..at], &letter[at + 1..]);
            assert_eq!(key().open(&name(1), spec(), &changed), Err(LetterError::Foreign), "changed at {at}");
        }
        for garbage in ["", "dn1.", "dn1.AAAA", "dn1.ä", "Error: exit 1"] {
            assert_eq!(key().open(&name(1), spec(), garbage), Err(LetterError::Foreign), "{garbage}");
        }
    }

    #[test]
    fn a_letter_hides_what_is_in_it_and_is_never_longer_than_may_be() {
        let letter = letter(&contents(0));
        let plain = URL_SAFE_NO_PAD.decode(&letter[MARK.len()..]).unwrap();
        assert!(!plain.windows(7).any(|window| window == b"version"));
        let address = key().address(&name(1), spec()).unwrap();
        let fits = |len: usize| {
            let letter = write(&address, &name(1), spec(), &contents(len), MAX).unwrap();
            assert!(letter.as_ref().is_none_or(|letter| letter.len() <= MAX));
            letter.is_some()
        };
        assert!(fits(2900) && !fits(3000), "about 2.9 KiB fit");
        let long = Contents { manifest: vec![b' '; MAX_MANIFEST + 1], parts: Vec::new() };
        assert_eq!(write(&address, &name(1), spec(), &long, MAX), Ok(None), "more than would be unpacked");
        assert_eq!(write("none", &name(1), spec(), &contents(0), MAX), Err(LetterError::Key));
    }
}
