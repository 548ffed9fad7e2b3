//! Pauses between tries.

use crate::random;
use std::time::Duration;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// Pauses, each twice as long as the one before. Half of each is random, so that agents which lost their
/// server at the same moment do not all come back at the same moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    paused: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::from(FIRST)
    }
}

impl Backoff {
    /// Pauses that begin with this one.
    pub(crate) fn from(first: Duration) -> Self {
        Self { first, paused: 0 }
    }

    /// The next pause.
    pub(crate) fn next(&mut self) -> Duration {
        let whole = self.first.saturating_mul(2_u32.saturating_pow(self.paused)).min(LONGEST);
        self.paused = self.paused.saturating_add(1);
        whole.mul_f64(0.5 + random::fraction() / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut backoff = Backoff::default();
        for whole in [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
            let pause = backoff.next().as_millis();
            assert!((whole / 2..=whole).contains(&pause), "{pause} of {whole}");
        }
        assert!((0..100).map(|_| backoff.next()).all(|pause| pause <= LONGEST));
    }
}
