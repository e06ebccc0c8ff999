//! What must hold of any file.

use std::io::{self, Read};
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use dragnet::model::asset::Asset;
use dragnet::model::finding::Record;
use dragnet::parse::{Context, Input, ParseError, Sink, Stop, Summary, mask, parser, sniff};
use sha2::{Digest as _, Sha256};

/// Nothing takes so long, not even on a machine that does something else: who is slower hangs.
const PATIENCE: Duration = Duration::from_mins(10);
/// No record is longer: its parts are cut.
const MAX_RECORD: usize = 1 << 20;

/// Held by one that measures memory, and shared by all others.
pub(crate) static ALONE: RwLock<()> = RwLock::new(());

static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

/// How many files have been tried so far.
pub(crate) fn executions() -> u64 {
    EXECUTIONS.load(Ordering::Relaxed)
}

/// Keeps a hash of what it is given, which is enough to compare.
#[derive(Default)]
struct Hashing {
    hash: Sha256,
    records: u64,
    assets: u64,
}

impl Sink for Hashing {
    fn record(&mut self, record: Record) -> Result<(), Stop> {
        let text = serde_json::to_string(&record).unwrap();
        assert!(text.len() <= MAX_RECORD, "a record of {} bytes", text.len());
        assert!(!record.rule.is_empty() && !record.title.is_empty());
        self.hash.update(&text);
        self.records += 1;
        Ok(())
    }

    fn asset(&mut self, asset: Asset) -> Result<(), Stop> {
        self.hash.update(asset.to_string());
        self.assets += 1;
        Ok(())
    }
}

/// What a parser tells of a file: its summary, and a hash of all records and assets.
#[derive(Debug, PartialEq)]
pub(crate) struct Told {
    pub summary: Summary,
    hash: Vec<u8>,
}

impl Told {
    /// How many results the parser came upon, handed on or not.
    pub(crate) fn count(&self) -> u64 {
        self.summary.records + self.summary.assets + self.summary.skipped.values().sum::<u64>()
    }
}

/// Parses a file.
pub(crate) fn parse(format: &str, input: &mut dyn Read) -> Result<Told, ParseError> {
    parse_input(format, &mut Input::new(input))
}

/// Parses a file and copies it, as far as that is done in one pass.
pub(crate) fn parse_and_copy(format: &str, input: &mut dyn Read) -> Result<Told, ParseError> {
    parse_input(format, &mut Input::copied_to(input, &mut io::sink()))
}

fn parse_input(format: &str, input: &mut Input<'_>) -> Result<Told, ParseError> {
    let context = Context { source_root: "/src".to_owned(), secret_key: b"key".to_vec() };
    let (mut sink, begun) = (Hashing::default(), Instant::now());
    EXECUTIONS.fetch_add(1, Ordering::Relaxed);
    let outcome = parser(format).unwrap().parse(input, &context, &mut sink);
    assert!(begun.elapsed() < PATIENCE, "{format} takes {:?}", begun.elapsed());
    let summary = outcome?;
    assert_eq!((summary.records, summary.assets), (sink.records, sink.assets), "{format} counts what it hands on");
    assert!(
        summary.errors.len() <= 20 && summary.errors.iter().all(|error| error.len() < 1000),
        "{:?}",
        summary.errors
    );
    assert!(
        summary.skipped.len() <= 100 && summary.skipped.keys().all(|reason| reason.len() < 1000),
        "reasons without a bound"
    );
    Ok(Told { summary, hash: sink.hash.finalize().to_vec() })
}

/// Checks all that must hold of a file.
pub(crate) fn check(format: &str, bytes: &[u8]) -> Option<Told> {
    let told = parse(format, &mut &bytes[..]);
    sniff(&bytes[..bytes.len().min(64 << 10)]);
    let (mut masked, begun) = (Vec::new(), Instant::now());
    let outcome = mask(format, &mut &bytes[..], &mut masked, b"key");
    assert!(begun.elapsed() < PATIENCE, "masking {format} takes {:?}", begun.elapsed());
    let (mut copy, mut file) = (Vec::new(), bytes);
    let mut input = Input::copied_to(&mut file, &mut copy);
    let copied = parse_input(format, &mut input);
    let in_passing = input.is_copied();
    let told = told.ok()?;
    assert_eq!(copied.ok().as_ref(), Some(&told), "{format} says something else when it is copied");
    if let Err(error) = outcome {
        panic!("{format} can be read and not be masked: {error}");
    }
    for masked in [Some(masked), in_passing.then_some(copy)].into_iter().flatten() {
        match parse(format, &mut masked.as_slice()) {
            Ok(again) => assert_eq!(again, told, "{format} says something else when it is masked"),
            Err(error) => panic!("{format} cannot be read when it is masked: {error}"),
        }
    }
    Some(told)
}
