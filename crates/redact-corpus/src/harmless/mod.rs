//! Texts without secrets: near-misses written by hand, and files that agents exchange.

pub mod near_misses;

/// Measures.
///
/// # Errors
/// None.
pub fn run() -> anyhow::Result<()> {
    Ok(())
}
