//! The system's random numbers.

use std::fmt::Write as _;

/// 128 random bits in hex, for an `Idempotency-Key`.
pub(crate) fn hex() -> String {
    bytes::<16>().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A number from 0 to 1.
pub(crate) fn fraction() -> f64 {
    f64::from(u16::from_le_bytes(bytes())) / f64::from(u16::MAX)
}

/// Random bytes for a secret. Fails if the system has no random numbers.
pub(crate) fn unguessable<const N: usize>() -> crate::error::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        let message = format!("No secret can be made, because the system gives no random numbers ({error}); nothing was sent.");
        crate::error::Failure::own(crate::error::Kind::StateUnavailable, message)
    })?;
    Ok(bytes)
}

/// Random bytes for values that need not be secret.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // Without random numbers, the time and the process id still make each key different.
        let now = crate::clock::now().as_millis().to_le_bytes();
        let seed = now.into_iter().chain(std::process::id().to_le_bytes());
        bytes.iter_mut().zip(seed).for_each(|(byte, seed)| *byte = seed);
    }
    bytes
}
