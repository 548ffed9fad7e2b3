//! The regions of the world in which objects live.

use crate::words::OF_REGIONS;

/// A region, as the platform's location hints name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    pub fn of_hint(hint: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.hint() == hint)
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
