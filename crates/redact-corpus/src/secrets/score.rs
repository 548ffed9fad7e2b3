//! What became of a secret in a redacted text.

use nexus_redact::Redaction;
use serde_json::value::RawValue;

use super::Text;
use super::surrounding::Surrounding;

/// So many bytes of a secret in a row are too many.
const RUN: usize = 4;

/// What became of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// It is gone.
    Found,
    /// A part of it is gone.
    Partial,
    /// All of it is still there.
    Missed,
}

/// The judgement on one text.
#[derive(Clone, Debug)]
pub struct Score {
    /// What became of the secret.
    pub outcome: Outcome,
    /// How many bytes beside the secret are gone.
    pub overcut: usize,
    /// The redacted text.
    pub clean: String,
}

/// Redacts a text and judges the result. JSON is also redacted as JSON, and the worse result counts.
#[must_use]
pub fn score(text: &Text) -> Score {
    let plain = judged(text, Redaction::default().text(text.text.clone()));
    if text.surrounding != Surrounding::Json {
        return plain;
    }
    let Ok(json) = RawValue::from_string(text.text.clone()) else { return plain };
    let Ok(json) = Redaction::default().json(json) else { return plain };
    let json = judged(text, json.get().to_owned());
    if (json.outcome, json.overcut) > (plain.outcome, plain.overcut) { json } else { plain }
}

fn judged(text: &Text, clean: String) -> Score {
    let original = text.text.as_bytes();
    let (start, end) = (text.start, text.start + text.value.len());
    let Some(kept) = kept(original, &clean) else {
        // Not the same text at all.
        return Score { outcome: Outcome::Partial, overcut: original.len(), clean };
    };
    // How many bytes of a range are in each of the kept ones.
    let shared = |start: usize, end: usize| {
        kept.iter().map(move |(from, to)| end.min(*to).saturating_sub(start.max(*from)))
    };
    let (before, after) = original.split_at(text.loose.1);
    let before = &before[..text.loose.0];
    let (before, after) = (before.len() - quotes(before, true), quotes(after, false));
    let after = text.loose.1 + after;
    let beside = shared(0, before).chain(shared(after, original.len())).sum::<usize>();
    let overcut = before + original.len() - after - beside;
    let longest = shared(start, end).max();
    let outcome = match longest.unwrap_or(0) {
        all if all == end - start => Outcome::Missed,
        0..RUN => Outcome::Found,
        _ => Outcome::Partial,
    };
    Score { outcome, overcut, clean }
}

/// How many bytes next to the secret are its quotes, with what escapes them. They belong to it.
fn quotes(beside: &[u8], at_the_end: bool) -> usize {
    const QUOTES: [&[u8]; 8] = [b"\"", b"'", b"`", b"\\", b"%22", b"%27", b"%5C", b"&quot;"];
    let mut rest = beside;
    while let Some(shorter) = QUOTES.iter().find_map(|quote| {
        if at_the_end { rest.strip_suffix(*quote) } else { rest.strip_prefix(*quote) }
    }) {
        rest = shorter;
    }
    beside.len() - rest.len()
}

/// The ranges of the original that are still there, between marks.
fn kept(original: &[u8], clean: &str) -> Option<Vec<(usize, usize)>> {
    let mut pieces = clean.split("[REDACTED:");
    let mut kept = Vec::new();
    let first = pieces.next()?.as_bytes();
    let rests: Vec<&[u8]> = pieces
        .map(|piece| piece.split_once(']').map(|(_, rest)| rest.as_bytes()))
        .collect::<Option<_>>()?;
    if !original.starts_with(first) {
        return None;
    }
    let mut at = first.len();
    kept.push((0, at));
    for (number, rest) in rests.iter().enumerate() {
        let from = if number + 1 == rests.len() {
            original.len().checked_sub(rest.len()).filter(|from| *from >= at)
        } else if rest.is_empty() {
            Some(at)
        } else {
            original[at..].windows(rest.len()).position(|window| window == *rest).map(|n| at + n)
        }?;
        if !original[from..].starts_with(rest) {
            return None;
        }
        at = from + rest.len();
        kept.push((from, at));
    }
    (at == original.len()).then_some(kept)
}
