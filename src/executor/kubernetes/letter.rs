//! Small results out of the status of their pod: a [`crate::letter`] that the shim has left for the kubelet to show.
//!
//! Behind a short one the pod ends with its scanner: nobody has to keep, bring or stop anything. Behind a longer one the keeper has the
//! results all the same: a letter that is missing, was cut or does not open is as good as none. One that opens holds results that not
//! even the end of its pod takes away.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use k8s_openapi::api::core::v1::PodSpec;

use super::core::Core;
use super::manifest::LETTER;
use crate::executor::collected;
use crate::executor::{ExecutorError, Sealed, blocking};
use crate::failpoint;
use crate::letter::Contents;
use crate::model::manifest::Manifest;
use crate::model::spec::{Launch, LetterBox, ShimJob};

/// What a kubelet shows of the last messages of all containers of a pod, in bytes; each has an equal share (upstream
/// `pkg/kubelet/container/runtime.go`, `pkg/kubelet/status/status_manager.go`).
const SHOWN: usize = 12 << 10;
/// Longest letter in a pod of the three containers that ours have, each of which may show so much. In a pod to which somebody adds
/// more it is cut earlier, which is seen here; the keeper has the results then.
const MAX: usize = SHOWN / 3;
/// Containers of a pod to which a few were added on its way into the cluster, as meshes do.
const MOST_CONTAINERS: usize = 6;
/// Longest letter that is shown whole in such a pod.
const SURE: usize = SHOWN / MOST_CONTAINERS;

impl Core {
    /// Makes the job that the shim gets.
    pub(super) fn shim_job(&self, launch: &Launch) -> ShimJob {
        ShimJob { letter_box: self.letter_box(launch), ..ShimJob::of(launch, self.grace_ms()) }
    }

    /// Where the results are to be left; `None` where the keeper brings them to a storage, which is then asked for them first.
    fn letter_box(&self, launch: &Launch) -> Option<LetterBox> {
        let key = self.letters.as_ref().filter(|_| self.storage.is_none())?;
        let address = key.address(&launch.name, launch.spec_sha256).ok()?;
        let options = &self.rules.options;
        // A pod that has ended goes when its Job's time is over.
        let keeps = self.crowded.load(Ordering::Relaxed) || options.ttl < options.hold;
        Some(LetterBox { path: LETTER.to_owned(), max: MAX, address, sure: if keeps { 0 } else { SURE } })
    }

    /// Notes whether the cluster adds so many containers to pods that no letter is sure to be shown whole.
    pub(super) fn count_containers(&self, pod: &PodSpec) {
        let initial = pod.init_containers.as_ref().map_or(0, Vec::len);
        if initial + pod.containers.len() > MOST_CONTAINERS {
            self.crowded.store(true, Ordering::Relaxed);
        }
    }

    /// Brings the results of an attempt's letter into `into`, a directory that exists, and verifies everything; `None` when there is no
    /// letter that was seen and is as it should be.
    pub(super) async fn fetch_letter(&self, launch: &Launch, into: &Path) -> Result<Option<Sealed>, ExecutorError> {
        let seen = self.seen(&launch.name).and_then(|seen| seen.letter);
        let (Some(key), Some(text)) = (&self.letters, seen) else { return Ok(None) };
        let opened = key
            .open(&launch.name, launch.spec_sha256, &text)
            .map_err(|error| error.to_string())
            .and_then(|contents| split(launch, &contents));
        let (manifest, parts) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                tracing::warn!(attempt = %launch.name, %error, "the letter in the pod's status is passed over");
                self.pass_over_letter(&launch.name);
                return Ok(None);
            }
        };
        let paths = parts.iter().map(|(name, _)| into.join(name)).collect();
        let target: Arc<Path> = into.into();
        let saved = blocking("keep the parts of a letter", move || Ok(save(&target, &parts))).await?;
        saved?;
        failpoint::hit("kubernetes.fetch.part");
        collected::finish(&manifest, into).await?;
        Ok(Some(Sealed { manifest, parts: paths, files: None }))
    }
}

type Parts = Vec<(String, Vec<u8>)>;

/// Takes a letter apart, and checks that it holds exactly what its manifest says.
fn split(launch: &Launch, contents: &Contents) -> Result<(Manifest, Parts), String> {
    let manifest = collected::check(launch, &contents.manifest).map_err(|error| error.to_string())?;
    let (mut rest, mut parts) = (contents.parts.as_slice(), Vec::new());
    for part in &manifest.parts {
        let cut = usize::try_from(part.len).ok().and_then(|len| rest.split_at_checked(len));
        let Some((bytes, after)) = cut.filter(|(bytes, _)| collected::is_right(part, bytes)) else {
            return Err(format!("{} does not match its manifest", part.name));
        };
        parts.push((part.name.clone(), bytes.to_vec()));
        rest = after;
    }
    if rest.is_empty() { Ok((manifest, parts)) } else { Err("it holds more than its manifest says".to_owned()) }
}

fn save(into: &Path, parts: &Parts) -> Result<(), ExecutorError> {
    parts.iter().try_for_each(|(name, bytes)| {
        let unread = |error: &std::io::Error| ExecutorError::local("read a part of a letter", error);
        collected::save(into, name, &mut bytes.as_slice(), unread)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::clock::Timestamp;
    use crate::model::id::{JobName, Key8, Sha256};
    use crate::model::manifest::{Exit, ExitCause, LogSummary, Part};
    use crate::model::spec::JobSpec;

    fn launch() -> Launch {
        let scanner = serde_json::json!({
            "name": "sh", "image": "i:1", "program": "sh", "command": [], "input": ["host"], "results": [],
            "network": "egress", "timeout": "1m", "limits": {},
        });
        let spec = JobSpec::of(&serde_json::from_value(scanner).unwrap(), "i:1".to_owned(), "host:x".to_owned());
        let job = JobName { step: "test".parse().unwrap(), chunk: 0 };
        Launch::new(Key8::from_bits(1), Key8::from_bits(2), job, 1, Arc::new(spec), Arc::new([]))
    }

    fn manifest(launch: &Launch, parts: &[&[u8]]) -> Manifest {
        let part = |(number, bytes): (usize, &&[u8])| Part {
            name: format!("part-{number:04}"),
            len: bytes.len() as u64,
            sha256: Sha256::of(bytes),
        };
        let (at, cause) = (Timestamp(0), ExitCause::Ended);
        Manifest {
            version: ShimJob::VERSION,
            name: launch.name.clone(),
            spec: launch.spec_sha256,
            exit: Exit {
                cause,
                code: Some(0),
                signal: None,
                oom_kills: 0,
                started_at: at,
                finished_at: at,
                cpu_ms: 0,
                max_rss: 0,
            },
            files: Vec::new(),
            dropped: Vec::new(),
            log: LogSummary::default(),
            parts: parts.iter().enumerate().map(part).collect(),
        }
    }

    #[test]
    fn a_letter_holds_exactly_what_its_manifest_says() {
        let launch = launch();
        let of = |manifest: &Manifest, parts: &[u8]| {
            split(&launch, &Contents { manifest: serde_json::to_vec(manifest).unwrap(), parts: parts.to_vec() })
        };
        let good = manifest(&launch, &[b"first", b"", b"last"]);
        let (read, parts) = of(&good, b"firstlast").unwrap();
        let named = |number: u32, bytes: &[u8]| (format!("part-{number:04}"), bytes.to_vec());
        assert_eq!((read, parts), (good.clone(), vec![named(0, b"first"), named(1, b""), named(2, b"last")]));
        for (parts, words) in [
            (&b"firstlasT"[..], "part-0002 does not match"),
            (b"firstlas", "part-0002 does not match"),
            (b"firstlast!", "more than its manifest says"),
            (b"", "part-0000 does not match"),
        ] {
            let error = of(&good, parts).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let other = Manifest { spec: Sha256::of("other"), ..good.clone() };
        assert!(of(&other, b"firstlast").unwrap_err().contains("another attempt's"));
        let mut outside = good;
        outside.parts[0].name = "../part".to_owned();
        assert!(of(&outside, b"firstlast").unwrap_err().contains("names a part"));
    }
}
