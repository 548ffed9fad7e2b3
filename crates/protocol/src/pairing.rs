//! Pairing codes (section 4): their form, requests and answers.

use crate::{
    AgentId, Body, Encrypted, MailSent, Redacted, Refusal, SessionId, SessionKey, Timestamp,
    ids::{Malformed, string_id},
    query::Query,
    region::Region,
    words::{COMMON, OF_REGIONS, SYMBOLS},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, str::FromStr};

/// `WORD-WORD-XXXXX`: one of the 64 words of a region, one of all 832 words, and five of 30 symbols. So whoever
/// knows the region has 40.2 random bits to guess.
///
/// Read case-insensitively. Forgiven are missing or other hyphens and spaces, for every part has five characters;
/// full-width letters; and what surrounds a code in a text or a link. `Debug` does not show it: whoever knows a code can claim it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairingCode(String);
string_id!(PairingCode, debug: |_| "[secret]");

impl PairingCode {
    /// Makes a code of this region of random bytes.
    #[must_use]
    pub fn from_random(region: Region, bytes: [u8; 16]) -> Self {
        // Each choice takes its part of 128 bits, of which five symbols leave more than 80. So no choice is
        // likelier than another by more than 2^-80.
        let mut number = u128::from_be_bytes(bytes);
        let mut choose = |count: usize| {
            let count = count as u128;
            let at = number.checked_rem(count).unwrap_or_default();
            number = number.checked_div(count).unwrap_or_default();
            usize::try_from(at).unwrap_or_default()
        };
        let words = region.words();
        let first = words.get(choose(words.len())).copied().unwrap_or_default();
        let second = choose(COMMON.len().saturating_add(OF_REGIONS.as_flattened().len()));
        let second = COMMON.iter().chain(OF_REGIONS.as_flattened()).nth(second);
        let second = second.copied().unwrap_or_default();
        let symbol = |at: usize| SYMBOLS.get(at).copied().map_or('2', char::from);
        let suffix: String = (0..5).map(|_| symbol(choose(SYMBOLS.len()))).collect();
        Self(format!("{first}-{second}-{suffix}"))
    }

    /// The code that these letters and digits are, without hyphens.
    fn whole(plain: &str) -> Option<Self> {
        let part = |from: usize| plain.get(from..from.saturating_add(5));
        let (first, second, suffix) = (part(0)?, part(5)?, part(10)?);
        let known =
            |word: &str| COMMON.binary_search(&word).is_ok() || Region::of_word(word).is_some();
        let symbols = suffix.bytes().all(|byte| SYMBOLS.contains(&byte));
        let is_code = plain.len() == 15 && known(first) && known(second) && symbols;
        is_code.then(|| Self(format!("{first}-{second}-{suffix}")))
    }

    /// The first word, which selects the index that stores the code.
    #[must_use]
    pub fn first_word(&self) -> &str {
        self.0.split('-').next().unwrap_or_default()
    }

    /// Where that index lives. None: the code is from before codes told their region, and its index lives
    /// where its word was first used.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        Region::of_word(self.first_word())
    }
}

impl FromStr for PairingCode {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let malformed = Malformed("must be a pairing code such as PEARL-FOCAL-S5SJV");
        let plain: String = text.chars().filter_map(plain).collect();
        // What surrounds a code is not made of letters and digits, and a code holds nothing else.
        let mut pieces = plain.split(|c: char| !c.is_ascii_alphanumeric());
        pieces.find_map(Self::whole).ok_or(malformed)
    }
}

/// A character of a code in its plain form. None: it may stand between the parts.
fn plain(c: char) -> Option<char> {
    match c {
        ' '
        | '-'
        | '_'
        | '+'
        | '\t'
        | '\n'
        | '\r'
        | '\u{a0}'
        | '\u{ad}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2060}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2212}'
        | '\u{3000}'
        | '\u{fe58}'
        | '\u{fe63}'
        | '\u{feff}'
        | '\u{ff0d}' => None,
        // Full-width forms stand in the order of ASCII.
        '\u{ff01}'..='\u{ff5e}' => {
            let ascii = u32::from(c).saturating_sub(0xfee0);
            char::from_u32(ascii).map(|c| c.to_ascii_uppercase())
        }
        c => Some(c.to_ascii_uppercase()),
    }
}

/// `PUT /v1/pair`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CreatePairing {
    /// The session that the claimer joins.
    pub session_id: SessionId,
    /// The agent that receives the link in its inbox (section 8).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invite: Option<AgentId>,
}

impl CreatePairing {
    /// Reads the body. A malformed session id counts as a session that does not exist.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut body = Body::parse(bytes)?;
        let session_id: Option<String> =
            body.required("sessionId", "must be the sessionId of the session to invite into");
        let invite = body.field("invite", AgentId::RULE);
        body.finish()?;
        let session_id = session_id.unwrap_or_default().parse();
        let session_id = session_id.map_err(|_| Refusal::session_not_found())?;
        Ok(Self { session_id, invite })
    }
}

/// The answer to `PUT /v1/pair`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 4 names each")]
pub struct PairingCreated {
    pub code: PairingCode,
    /// The page to pass on to the other agent.
    pub url: String,
    pub expires_at: Timestamp,
    /// With `invite`: the message that contains the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invitation: Option<MailSent>,
}

/// The answer to `POST /v1/pair/:code/claim`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 4 names each")]
pub struct Claimed {
    pub session_id: SessionId,
    /// Always `claimed`.
    pub status: String,
    pub session_key: SessionKey,
    /// When the session ends if nothing more happens.
    pub expires_at: Timestamp,
    /// If it is encrypted end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<Encrypted>,
    /// What was removed from the profile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<Redacted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Greeting>,
}

/// What the session's creator says to whoever joins: the first message, which a reading after
/// cursor 0 leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(missing_docs, reason = "section 4 names each")]
pub struct Greeting {
    /// The creator. Null if none was named.
    pub by: Option<AgentId>,
    pub text: String,
}

/// What became of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum CodeState {
    /// It can be claimed.
    Pending,
    /// It was claimed.
    Claimed,
    /// Nobody claimed it in time, or its session is over.
    Expired,
    /// A member took it back.
    Revoked,
}

/// The answer to `GET /v1/pair/:code/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct CodeStatus {
    /// What became of the code.
    pub state: CodeState,
    /// Until when the code can or could be claimed.
    pub expires_at: Timestamp,
    /// When it was claimed, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
}

/// A code that can still be claimed, for the members of its session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "section 4 names each")]
pub struct OpenCode {
    pub code: PairingCode,
    pub url: String,
    pub expires_at: Timestamp,
}

/// The answer to `GET /v1/pair?sessionId=`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct OpenCodes {
    /// In the order in which they were made.
    pub codes: Vec<OpenCode>,
}

/// The answer to `DELETE /v1/pair/:code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[allow(missing_docs, reason = "section 4 names each")]
pub struct CodeRevoked {
    pub ok: bool,
    /// Always `revoked`.
    pub state: CodeState,
}

/// The session of `GET /v1/pair?sessionId=`. A malformed id counts as a session that does not
/// exist.
pub fn session_of_codes(query: &str) -> Result<SessionId, Refusal> {
    const RULE: &str = "must be the sessionId of a session that you are a member of";
    let id =
        Query::parse(query).text("sessionId").ok_or_else(|| Refusal::invalid("sessionId", RULE))?;
    id.parse().map_err(|_| Refusal::session_not_found())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Every word: those of no region, and those of each.
    fn lists() -> impl Iterator<Item = &'static [&'static str]> {
        [COMMON.as_slice()].into_iter().chain(OF_REGIONS.iter().map(<[_; 64]>::as_slice))
    }

    #[test]
    fn the_words_are_sorted_distinct_and_of_five_letters() {
        for list in lists() {
            assert!(list.windows(2).all(|pair| pair[0] < pair[1]));
            let five =
                |word: &&str| word.len() == 5 && word.bytes().all(|b| b.is_ascii_uppercase());
            assert!(list.iter().all(five));
        }
        let all: BTreeSet<&str> = lists().flatten().copied().collect();
        assert_eq!(all.len(), lists().map(<[_]>::len).sum::<usize>(), "each stands in one list");
    }

    #[test]
    fn of_a_code_whose_region_is_known_at_least_40_bits_are_not() {
        let second = lists().map(<[_]>::len).sum::<usize>() as u64;
        for region in Region::ALL {
            let codes = region.words().len() as u64 * second * 30_u64.pow(5);
            assert!(codes >= 1 << 40, "{region:?}: {codes}");
        }
    }

    #[test]
    fn each_region_has_its_hint_and_its_words() {
        let hints: BTreeSet<&str> = Region::ALL.map(Region::hint).into_iter().collect();
        assert_eq!(hints.len(), 9);
        for region in Region::ALL {
            for word in region.words() {
                assert_eq!(Region::of_word(word), Some(region));
            }
        }
        assert_eq!("PEARL-FOCAL-S5SJV".parse::<PairingCode>().unwrap().region(), None);
    }

    #[test]
    fn codes_are_read_leniently() {
        for text in [
            "PEARL-FOCAL-S5SJV",
            "pearl-focal-s5sjv",
            " pearl focal s5sjv ",
            "PearlFocalS5SJV",
            "pearl--focal s5-sjv",
            "PEARL-FOCAL-S5SJV.",
            "(PEARL-FOCAL-S5SJV)",
            "<PEARL-FOCAL-S5SJV>,",
            "\u{201c}PEARL-FOCAL-S5SJV\u{201d}",
            "PEARL\u{2013}FOCAL\u{2011}S5SJV",
            "\u{ff30}\u{ff25}\u{ff21}\u{ff32}\u{ff2c}\u{ff0d}FOCAL-S5SJV\u{3002}",
            "PEARL-FOCAL-S5SJV__;!!AbC-dEf",
            "PEARL-FOCAL-S5SJV&data=05%7C01",
            "PEARL-FOCAL-S5SJV/?utm_source=x",
            "https://h/p/PEARL-FOCAL-S5SJV",
            "*PEARL-FOCAL-S5SJV*",
            "PEARL-\u{200b}FOCAL-\u{ad}S5SJV",
        ] {
            assert_eq!(text.parse::<PairingCode>().unwrap().as_str(), "PEARL-FOCAL-S5SJV");
        }
        for text in [
            "",
            "PEARL-FOCAL-S5SJ",
            "PEARL-FOCAL-S5SJVV",
            "PEARL-XXXXX-S5SJV",
            "PEARL-FOCAL-S5SJ0",
            "ÄÄÄÄÄÄÄÄÄÄÄÄÄÄÄ",
        ] {
            assert!(text.parse::<PairingCode>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn generated_codes_can_be_read_and_tell_their_region(
            at in 0..9_usize,
            bytes: [u8; 16],
            lower: bool,
            hyphens: bool,
        ) {
            let code = PairingCode::from_random(Region::ALL[at], bytes);
            prop_assert_eq!(code.region(), Some(Region::ALL[at]));
            let mut text = code.as_str().to_owned();
            if lower { text = text.to_lowercase(); }
            if !hyphens { text = text.replace('-', ""); }
            prop_assert_eq!(text.parse::<PairingCode>().unwrap(), code);
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,40}") { let _ = text.parse::<PairingCode>(); }
    }
}
