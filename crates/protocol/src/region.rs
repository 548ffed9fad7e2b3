//! The regions of the world in which objects live.

use crate::words::OF_REGIONS;
use serde::{Deserialize, Serialize};

/// A region, as the platform's location hints name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// Western North America
    Wnam,
    /// Eastern North America
    Enam,
    /// South America
    Sam,
    /// Western Europe
    Weur,
    /// Eastern Europe
    Eeur,
    /// Asia and the Pacific
    Apac,
    /// Oceania
    Oc,
    /// Africa
    Afr,
    /// The Middle East
    Me,
}

impl Region {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Wnam,
        Self::Enam,
        Self::Sam,
        Self::Weur,
        Self::Eeur,
        Self::Apac,
        Self::Oc,
        Self::Afr,
        Self::Me,
    ];

    /// The region of whoever comes from nowhere that is known, and the only one where everything is kept in
    /// one jurisdiction.
    pub const DEFAULT: Self = Self::Enam;

    /// What the platform calls it.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Wnam => "wnam",
            Self::Enam => "enam",
            Self::Sam => "sam",
            Self::Weur => "weur",
            Self::Eeur => "eeur",
            Self::Apac => "apac",
            Self::Oc => "oc",
            Self::Afr => "afr",
            Self::Me => "me",
        }
    }

    /// The one that the platform calls so.
    #[must_use]
    pub fn named(hint: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.hint() == hint)
    }

    /// The one of a place: a continent, in the two letters of the platform, and the whole degrees of its longitude.
    #[must_use]
    pub fn of_place(continent: &str, longitude: i32) -> Option<Self> {
        // Between Denver and Dallas, between Vienna and Warsaw, and between Muscat and Karachi.
        match continent {
            "NA" if longitude < -98 => Some(Self::Wnam),
            "NA" => Some(Self::Enam),
            "SA" => Some(Self::Sam),
            "EU" if longitude < 18 => Some(Self::Weur),
            "EU" => Some(Self::Eeur),
            "AS" if longitude < 62 => Some(Self::Me),
            "AS" => Some(Self::Apac),
            "OC" | "AN" => Some(Self::Oc),
            "AF" => Some(Self::Afr),
            _ => None,
        }
    }

    /// The words with which its codes begin.
    pub(crate) fn words(self) -> &'static [&'static str; 64] {
        let [wnam, enam, sam, weur, eeur, apac, oc, afr, me] = &OF_REGIONS;
        match self {
            Self::Wnam => wnam,
            Self::Enam => enam,
            Self::Sam => sam,
            Self::Weur => weur,
            Self::Eeur => eeur,
            Self::Apac => apac,
            Self::Oc => oc,
            Self::Afr => afr,
            Self::Me => me,
        }
    }

    /// The one whose codes begin with this word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.words().binary_search(&word).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cities_are_in_the_region_that_one_expects() {
        for (city, continent, longitude, region) in [
            ("Los Angeles", "NA", -118, Region::Wnam),
            ("Denver", "NA", -105, Region::Wnam),
            ("Dallas", "NA", -96, Region::Enam),
            ("Ashburn", "NA", -77, Region::Enam),
            ("Sao Paulo", "SA", -46, Region::Sam),
            ("Lisbon", "EU", -9, Region::Weur),
            ("Vienna", "EU", 16, Region::Weur),
            ("Warsaw", "EU", 21, Region::Eeur),
            ("Dubai", "AS", 55, Region::Me),
            ("Karachi", "AS", 67, Region::Apac),
            ("Tokyo", "AS", 139, Region::Apac),
            ("Suva", "OC", 178, Region::Oc),
            ("Nairobi", "AF", 36, Region::Afr),
        ] {
            assert_eq!(Region::of_place(continent, longitude), Some(region), "{city}");
        }
        assert_eq!(Region::of_place("T1", 0), None, "where the platform does not know");
    }
}
