//! Removes secrets from messages (section 7): each becomes `[REDACTED:type]` before anything is
//! stored.
//!
//! It owns the table of kinds (`kinds`), which `docs/redaction.md` shows, and the search. At each
//! place where a word may begin, the first byte selects the few forms that could begin there
//! (`table`, `scan`). Each is matched without going back (`shape`). Secrets without a form of their
//! own are recognised by what stands before them (`assigned`), by their frame (`block`) or by their
//! check digit (`card`).
//!
//! Promises: a text without a secret stays the same, byte for byte. In JSON, only strings with a
//! secret change. Redacting twice changes nothing more. The time is linear in the length of the
//! text.

mod address;
mod assigned;
mod block;
mod calls;
mod card;
mod chance;
mod command;
mod encoded;
mod hit;
mod json;
mod kinds;
mod looks;
mod names;
mod pairs;
mod place;
mod prose;
mod scan;
mod shape;
mod stand_ins;
mod table;
mod tables;
mod values;
mod words;

use hit::{Hit, MARK};
pub use kinds::{Check, KINDS, Kind};
use scan::Scan;
use serde_json::value::RawValue;
use table::NAMES;

/// How often a text that contained secrets is searched again.
const ROUNDS: usize = 3;

/// How many secrets of a kind were removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name of the kind.
    pub kind: &'static str,
    /// How many there were.
    pub count: u32,
}

/// Removes secrets from texts, and counts them.
#[derive(Debug, Default)]
pub struct Redaction(Vec<Found>);

impl Redaction {
    /// The text without its secrets.
    #[must_use]
    pub fn text(&mut self, text: String) -> String {
        self.clean(None, &text).unwrap_or(text)
    }

    /// The JSON text without the secrets in its strings.
    ///
    /// # Errors
    /// What came out is no JSON, which a bug here would be the cause of.
    pub fn json(&mut self, json: Box<RawValue>) -> serde_json::Result<Box<RawValue>> {
        let changed = json::change_strings(&json, &mut |name, text| self.clean(name, text));
        changed.transpose().map(|changed| changed.unwrap_or(json))
    }

    /// What was removed, ordered by type.
    #[must_use]
    pub fn found(self) -> Vec<Found> {
        self.0
    }

    /// Counts one secret of a kind.
    fn count(&mut self, kind: &'static str) {
        let place = self.0.binary_search_by(|found| found.kind.cmp(kind));
        match place.map(|place| self.0.get_mut(place)) {
            Ok(Some(found)) => found.count = found.count.saturating_add(1),
            Ok(None) => {}
            Err(place) => self.0.insert(place, Found { kind, count: 1 }),
        }
    }

    /// The text without its secrets, or `None` if it has none. `name` is the name of the field
    /// whose value it is.
    fn clean(&mut self, name: Option<&str>, text: &str) -> Option<String> {
        let mut clean = self.once(name, text)?;
        // Text beside a secret may look like one itself once that secret is replaced.
        for _ in 0..ROUNDS {
            match self.once(None, &clean) {
                Some(cleaner) => clean = cleaner,
                None => break,
            }
        }
        Some(clean)
    }

    fn once(&mut self, name: Option<&str>, text: &str) -> Option<String> {
        let mut clean = String::new();
        let mut copied = 0;
        for hit in hits(name, text) {
            let name = NAMES.get(hit.kind).copied().unwrap_or("secret");
            self.count(name);
            clean.push_str(text.get(copied..hit.start).unwrap_or_default());
            clean.push_str(MARK);
            clean.push_str(name);
            clean.push(']');
            copied = hit.end;
        }
        if copied == 0 {
            return None;
        }
        clean.push_str(text.get(copied..).unwrap_or_default());
        Some(clean)
    }
}

/// The secrets of a text, from left to right.
fn hits(name: Option<&str>, text: &str) -> Vec<Hit> {
    let text = text.as_bytes();
    let mut scan = Scan::new(text);
    if let Some(name) = name {
        if let Some(hit) = assigned::whole(scan.text, name) {
            return vec![scan.more_specific(hit)];
        }
        scan.is_value_of(name);
    }
    let hits = all(&mut scan);
    with_encoded(text, hits)
}

/// The hits of a text, and those in its encoded runs.
fn with_encoded(text: &[u8], mut hits: Vec<Hit>) -> Vec<Hit> {
    let mut is_encoded = false;
    for decoded in encoded::runs(text) {
        is_encoded = true;
        // What is encoded ends where its signs say, and not where they are seen.
        let (inside, outside): (Vec<_>, Vec<_>) =
            hits.into_iter().partition(|hit| decoded.has(hit.start));
        hits = outside;
        let own = |hit: &Hit| is_written_so(text, decoded.place(0), *hit);
        let is_value = inside.iter().any(|hit| own(hit) && !has_form(*hit));
        hits.extend(inside.into_iter().filter(own));
        if is_value {
            continue;
        }
        let found = all(&mut Scan::new(&decoded.text)).into_iter();
        hits.extend(found.map(|hit| Hit {
            start: decoded.place(hit.start),
            end: decoded.place(hit.end),
            ..hit
        }));
    }
    if is_encoded { merged(hits) } else { hits }
}

/// Whether a hit in the encoded run that begins at `begin` is one as it is written: the run is a parameter of an
/// address and the hit its value, or the hit has a form of its own.
fn is_written_so(text: &[u8], begin: usize, hit: Hit) -> bool {
    if matches!(hit.kind, kinds::DATABASE_PASSWORD | kinds::URL_PASSWORD) {
        return true;
    }
    if has_form(hit) {
        // The sign that ends a parameter is encoded only where the whole address is.
        let own = text.get(hit.start..hit.end).unwrap_or_default();
        return !own.windows(3).any(|part| part == b"%26");
    }
    let before = text.get(begin..hit.start).unwrap_or_default();
    let query = before.iter().position(|byte| *byte == b'?');
    let name = before.get(query.map_or(0, |sign| sign.saturating_add(1))..).unwrap_or_default();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    name.strip_suffix(b"=").is_some_and(|name| !name.is_empty() && name.iter().all(is_part))
}

/// Whether a hit was found by its own form, and not by its place.
fn has_form(hit: Hit) -> bool {
    !matches!(hit.kind, kinds::PASSWORD | kinds::SECRET | kinds::SESSION_COOKIE)
}

/// What a search finds.
fn all(scan: &mut Scan<'_>) -> Vec<Hit> {
    let (mut hits, mut here) = (Vec::new(), 0);
    while let Some(hit) = scan.next(here) {
        debug_assert!(here <= hit.start && hit.start < hit.end, "a hit stands before its place");
        here = hit.end;
        hits.push(hit);
    }
    hits
}

/// The hits from left to right. Where some overlap, the one that begins first takes in the others.
fn merged(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|hit| (hit.start, std::cmp::Reverse(hit.end)));
    let mut merged: Vec<Hit> = Vec::new();
    for hit in hits {
        match merged.last_mut() {
            Some(last) if hit.start < last.end => last.end = last.end.max(hit.end),
            _ => merged.push(hit),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indexes_of_kinds_found_by_code_are_right() {
        for (place, name) in [
            (kinds::PRIVATE_KEY, "private_key"),
            (kinds::PGP_PRIVATE_KEY, "pgp_private_key"),
            (kinds::PUTTY_PRIVATE_KEY, "putty_private_key"),
            (kinds::CARD_NUMBER, "card_number"),
            (kinds::PASSWORD, "password"),
            (kinds::SECRET, "secret"),
            (kinds::DATABASE_PASSWORD, "database_password"),
            (kinds::URL_PASSWORD, "url_password"),
            (kinds::AWS_SECRET_KEY, "aws_secret_key"),
            (kinds::TWILIO_AUTH_TOKEN, "twilio_auth_token"),
            (kinds::DATADOG_KEY, "datadog_key"),
            (kinds::MISTRAL_API_KEY, "mistral_api_key"),
            (kinds::COHERE_API_KEY, "cohere_api_key"),
            (kinds::CLOUDFLARE_GLOBAL_KEY, "cloudflare_global_key"),
        ] {
            assert_eq!(KINDS[place].name, name);
        }
    }
}
