//! Other scanners.

/// Measures.
///
/// # Errors
/// None.
pub fn run() -> anyhow::Result<()> {
    Ok(())
}
