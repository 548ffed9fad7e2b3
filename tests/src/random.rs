//! Random choices that a seed repeats.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A series of random numbers (`SplitMix64`), the same for the same seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

/// A seed that differs from run to run.
pub fn seed() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Short enough to type.
    Random(u64::from(now.subsec_nanos()) ^ now.as_secs()).next() % 1_000_000
}

impl Random {
    /// A series for a seed. Each drawer has its own.
    pub fn new(seed: u64, drawer: &str) -> Self {
        let start = drawer.bytes().fold(seed, |state, byte| Self(state ^ u64::from(byte)).next());
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end`, exclusive.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// True in `percent` of a hundred cases.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A duration of less than `end`.
    pub fn time(&mut self, end: Duration) -> Duration {
        let micros = usize::try_from(end.as_micros()).unwrap_or(usize::MAX);
        Duration::from_micros(u64::try_from(self.below(micros)).unwrap_or_default())
    }

    /// A key that no other drawer gets.
    pub fn key(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }
}
