//! Texts that resemble secrets and are none pass byte for byte.

use nexus_redact_corpus::harmless::near_misses::{groups, taken};

#[test]
fn there_are_many_near_misses_and_each_is_one_line() {
    let groups = groups().expect("they can be read");
    let count: usize = groups.iter().map(|group| group.lines.len()).sum();
    assert!(count >= 500, "{count}");
    for group in groups {
        let empty = group.lines.iter().filter(|line| line.trim().is_empty()).count();
        assert!(!group.lines.is_empty() && empty == 0, "{}", group.name);
    }
}

#[test]
fn near_misses_pass_unchanged() {
    let taken = taken().expect("they can be read");
    for hit in &taken {
        println!("{} ({}): {}\n    became {}", hit.group, hit.form, hit.before, hit.after);
    }
    assert!(taken.is_empty(), "{} texts were changed", taken.len());
}
