//! Random numbers, which callers pass in.

use crate::Fault;

/// A source of random numbers that are good enough for secrets.
pub trait Random {
    /// Fills `bytes` with random bytes.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Fault>;

    /// `N` random bytes.
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], Fault>
    where
        Self: Sized,
    {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }
}
