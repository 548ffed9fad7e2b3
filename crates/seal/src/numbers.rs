use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser::SerializeSeq as _};

/// A set of numbers that mostly follow each other. It is written as a list of numbers and of pairs,
/// each of which stands for all from the first to the last: `[3, [7, 12]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers(Vec<(u32, u32)>);

/// How many entries a list may have.
const MOST: usize = 64;

impl Numbers {
    /// Adds a number.
    pub fn insert(&mut self, number: u32) {
        self.insert_all(number, number);
    }

    /// Adds every number from `first` to `last`. The smallest are forgotten where there are too
    /// many gaps.
    pub fn insert_all(&mut self, first: u32, last: u32) {
        if first > last {
            return;
        }
        let (mut first, mut last) = (first, last);
        let touches = |&(from, to): &(u32, u32)| {
            from <= last.saturating_add(1) && to.saturating_add(1) >= first
        };
        let (touched, mut others): (Vec<_>, Vec<_>) = self.0.drain(..).partition(touches);
        for (from, to) in touched {
            first = first.min(from);
            last = last.max(to);
        }
        others.push((first, last));
        others.sort_unstable();
        let surplus = others.len().saturating_sub(MOST);
        others.drain(..surplus);
        self.0 = others;
    }

    /// Takes a number out. Whether it was there.
    pub fn remove(&mut self, number: u32) -> bool {
        let Some(at) = self.0.iter().position(|&(from, to)| from <= number && number <= to) else {
            return false;
        };
        let (from, to) = self.0.remove(at);
        if let Some(before) = number.checked_sub(1) {
            self.insert_all(from, before);
        }
        if let Some(behind) = number.checked_add(1) {
            self.insert_all(behind, to);
        }
        true
    }

    /// Whether a number is in the set.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|&(from, to)| from <= number && number <= to)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        let sizes = self.0.iter().map(|&(from, to)| u64::from(to.abs_diff(from)).saturating_add(1));
        sizes.sum()
    }

    /// All of them, the smallest first.
    pub fn iter(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|&(from, to)| from..=to)
    }

    /// Adds every number of another set.
    pub(crate) fn insert_set(&mut self, other: &Self) {
        for &(first, last) in &other.0 {
            self.insert_all(first, last);
        }
    }

    /// Those below a number.
    pub(crate) fn below(&self, number: u32) -> Self {
        let mut below = Self::default();
        if let Some(most) = number.checked_sub(1) {
            for &(from, to) in &self.0 {
                below.insert_all(from, to.min(most));
            }
        }
        below
    }

    /// Those above a number.
    pub(crate) fn above(&self, number: u32) -> Self {
        let mut above = Self::default();
        if let Some(least) = number.checked_add(1) {
            for &(from, to) in &self.0 {
                above.insert_all(from.max(least), to);
            }
        }
        above
    }

    /// Those from `first` to `last` that are not in the set.
    pub(crate) fn absent(&self, first: u32, last: u32) -> Self {
        let (mut absent, mut next) = (Self::default(), first);
        for &(from, to) in self.0.iter().filter(|&&(from, to)| to >= first && from <= last) {
            if let Some(before) = from.checked_sub(1) {
                absent.insert_all(next, before);
            }
            let Some(behind) = to.checked_add(1) else { return absent };
            next = next.max(behind);
        }
        absent.insert_all(next, last);
        absent
    }
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Entry {
    One(u32),
    All(u32, u32),
}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for &(from, to) in &self.0 {
            let entry = if from == to { Entry::One(from) } else { Entry::All(from, to) };
            list.serialize_element(&entry)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<Entry>::deserialize(deserializer)?;
        if entries.len() > MOST {
            return Err(de::Error::custom("too many numbers"));
        }
        let mut numbers = Self::default();
        for entry in entries {
            match entry {
                Entry::One(number) => numbers.insert(number),
                Entry::All(first, last) => numbers.insert_all(first, last),
            }
        }
        Ok(numbers)
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may panic")]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_set(steps in proptest::collection::vec((any::<bool>(), 0_u32..40, 0_u32..4), 0..60), from in 0_u32..45, more in 0_u32..45) {
            let (mut numbers, mut model) = (Numbers::default(), BTreeSet::new());
            for (inserts, first, more) in steps {
                if inserts {
                    numbers.insert_all(first, first + more);
                    model.extend(first..=first + more);
                } else {
                    prop_assert_eq!(numbers.remove(first), model.remove(&first));
                }
                prop_assert_eq!(numbers.iter().collect::<Vec<_>>(), model.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(numbers.count(), model.len() as u64);
                let json = serde_json::to_string(&numbers).unwrap();
                prop_assert_eq!(serde_json::from_str::<Numbers>(&json).unwrap(), numbers.clone());
            }
            let absent: Vec<u32> = (from..=from + more).filter(|n| !model.contains(n)).collect();
            prop_assert_eq!(numbers.absent(from, from + more).iter().collect::<Vec<_>>(), absent);
            prop_assert_eq!(numbers.below(from).iter().collect::<Vec<_>>(), model.range(..from).copied().collect::<Vec<_>>());
            prop_assert_eq!(numbers.above(from).iter().collect::<Vec<_>>(), model.range(from + 1..).copied().collect::<Vec<_>>());
            prop_assert!((0..50).all(|n| numbers.contains(n) == model.contains(&n)));
        }
    }

    #[test]
    fn it_is_written_as_numbers_and_pairs() {
        let read = |json: &str| serde_json::from_str::<Numbers>(json);
        let numbers = read("[[7, 12], 3, [12, 11], [13, 13], 5]").unwrap();
        assert_eq!(serde_json::to_string(&numbers).unwrap(), "[3,5,[7,13]]");
        assert!(read("[\"3\"]").is_err() && read("[[1]]").is_err() && read("3").is_err());
        let many = format!("{:?}", (0..65).map(|n| n * 2).collect::<Vec<u32>>());
        assert!(read(&many).is_err());
        let all = read(&format!("[[0, {}]]", u32::MAX)).unwrap();
        assert_eq!(all.count(), 1 << 32);
        assert!(all.absent(0, u32::MAX).is_empty());
    }

    #[test]
    fn the_smallest_are_forgotten() {
        let mut numbers = Numbers::default();
        (0..100).for_each(|n| numbers.insert(n * 2));
        assert_eq!(
            numbers.iter().collect::<Vec<_>>(),
            (36..100).map(|n| n * 2).collect::<Vec<_>>()
        );
    }
}
