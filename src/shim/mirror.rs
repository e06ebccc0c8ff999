//! The live view: what the engine's own log command shows. Bounded in rate, never waited for.

use std::io::Write as _;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

/// Bytes a second, and as many at once.
const RATE: u64 = 256 * 1024;
/// Batches between the log and the thread that writes.
const QUEUE: usize = 64;

/// Copies lines to standard output as long as the rate allows, and says how many it left out.
#[derive(Debug)]
pub(super) struct Mirror {
    sender: SyncSender<Vec<u8>>,
    bucket: Bucket,
    suppressed: u64,
}

impl Mirror {
    /// Starts the thread that writes; an engine that does not read its pipe must not hold up the scanner.
    pub(super) fn start() -> Self {
        let (sender, receiver) = sync_channel::<Vec<u8>>(QUEUE);
        std::thread::spawn(move || {
            for batch in receiver {
                if std::io::stdout().write_all(&batch).is_err() {
                    break;
                }
            }
        });
        Self { sender, bucket: Bucket::new(RATE, Instant::now()), suppressed: 0 }
    }

    /// Shows lines that were read together.
    pub(super) fn show<'a>(&mut self, lines: impl Iterator<Item = &'a [u8]>) {
        let mut batch = Vec::new();
        let now = Instant::now();
        for line in lines {
            if !self.bucket.take(line.len() as u64 + 1, now) {
                self.suppressed += 1;
                continue;
            }
            self.tell_suppressed(&mut batch);
            batch.extend(line.iter().map(|byte| if byte.is_ascii_control() && *byte != b'\t' { b'?' } else { *byte }));
            batch.push(b'\n');
        }
        self.send(batch);
    }

    /// Says what was left out and not told yet.
    pub(super) fn finish(&mut self) {
        let mut batch = Vec::new();
        self.tell_suppressed(&mut batch);
        self.send(batch);
    }

    fn tell_suppressed(&mut self, batch: &mut Vec<u8>) {
        if self.suppressed > 0 {
            batch.extend_from_slice(format!("… {} lines suppressed\n", self.suppressed).as_bytes());
            self.suppressed = 0;
        }
    }

    fn send(&mut self, batch: Vec<u8>) {
        if batch.is_empty() {
            return;
        }
        if let Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) = self.sender.try_send(batch) {
            self.suppressed += batch.split(|byte| *byte == b'\n').count() as u64 - 1;
        }
    }
}

/// A token bucket.
#[derive(Debug)]
struct Bucket {
    rate: u64,
    tokens: u64,
    filled: Instant,
}

impl Bucket {
    const fn new(rate: u64, now: Instant) -> Self {
        Self { rate, tokens: rate, filled: now }
    }

    /// Takes `amount` if there is so much.
    fn take(&mut self, amount: u64, now: Instant) -> bool {
        let gained = now.duration_since(self.filled).as_millis() * u128::from(self.rate) / 1000;
        if gained > 0 {
            let gained = u64::try_from(gained).unwrap_or(self.rate);
            self.tokens = self.tokens.saturating_add(gained).min(self.rate);
            self.filled = now;
        }
        // A line larger than the bucket would never fit; it may have all of a full one.
        let amount = amount.min(self.rate);
        let enough = amount <= self.tokens;
        if enough {
            self.tokens -= amount;
        }
        enough
    }
}

/// How long the end of the process waits for the last words of the mirror.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_refills_to_its_rate_and_no_further() {
        let start = Instant::now();
        let mut bucket = Bucket::new(1000, start);
        assert!(bucket.take(1000, start));
        assert!(!bucket.take(1, start));
        assert!(!bucket.take(501, start + Duration::from_millis(500)));
        assert!(bucket.take(500, start + Duration::from_millis(500)));
        assert!(bucket.take(5000, start + Duration::from_mins(1)), "a line larger than the bucket");
        assert!(!bucket.take(1, start + Duration::from_mins(1)));
    }
}
