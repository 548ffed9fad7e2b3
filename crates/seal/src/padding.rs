/// The length to which a plaintext of this length is filled up: that of Padmé, which is at most
/// 12 % more, and shows only the order of magnitude and a few bits of the length.
pub(crate) fn padded(length: usize) -> usize {
    let Some(exponent) = length.checked_ilog2() else { return 0 };
    let kept = exponent.checked_ilog2().map_or(0, |log| log.saturating_add(1));
    let dropped = exponent.saturating_sub(kept);
    let mask = 1_usize.checked_shl(dropped).unwrap_or(1).saturating_sub(1);
    length.checked_add(mask).map_or(length, |most| most & !mask)
}

#[cfg(test)]
mod tests {
    use super::padded;
    use std::collections::BTreeSet;

    /// Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with
    /// PURBs", 2019.
    #[test]
    fn lengths_are_those_of_padme() {
        let known = [(0, 0), (1, 1), (8, 8), (9, 10), (100, 104), (1000, 1024), (65537, 67584)];
        for (length, expected) in known {
            assert_eq!(padded(length), expected, "{length}");
        }
    }

    #[test]
    fn little_is_added_and_little_is_shown() {
        let mut sizes = BTreeSet::new();
        for length in 1..=1 << 20_usize {
            let size = padded(length);
            assert!(size >= length && (size - length) * 100 <= length * 12, "{length} {size}");
            assert_eq!(padded(size), size);
            sizes.insert(size);
        }
        assert!(sizes.len() < 400, "{}", sizes.len());
        assert_eq!(padded(usize::MAX), usize::MAX);
    }
}
