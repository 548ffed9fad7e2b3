//! Where the search took something from a text. It says only what is left, so both are compared.

use nexus_redact::Redaction;

const MARK: &str = "[REDACTED:";

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    /// Where it begins.
    pub(crate) start: usize,
    /// The kind of secret that it was taken for.
    pub(crate) kind: String,
    /// The 12 characters before it, and its first 4.
    pub(crate) excerpt: String,
}

/// What is taken from a text.
pub(crate) fn hits(text: &str) -> Vec<Hit> {
    let clean = Redaction::default().text(text.to_owned());
    if clean == text { Vec::new() } else { compare(text, &clean) }
}

fn compare(text: &str, clean: &str) -> Vec<Hit> {
    let (mut hits, mut before, mut after) = (Vec::new(), 0, 0);
    while let Some((kept, kind, behind)) = next(text, clean, before, after) {
        let start = before.saturating_add(kept);
        let lead: String = text.get(..start).unwrap_or_default().chars().rev().take(12).collect();
        let lead: String = lead.chars().rev().collect();
        let cut: String = text.get(start..).unwrap_or_default().chars().take(4).collect();
        let excerpt = format!("{lead}»{cut}").replace(['\n', '\r', '\t'], " ");
        hits.push(Hit { start, kind, excerpt });
        after = behind;
        let rest = clean.get(after..).unwrap_or_default();
        // What stands up to the next mark, which the text holds too.
        let same = rest.find(MARK).and_then(|end| rest.get(..end)).unwrap_or(rest);
        let sought: String = same.chars().take(60).collect();
        let found = text.get(start..).and_then(|text| text.find(&sought));
        before = start.saturating_add(found.unwrap_or_default());
        if sought.is_empty() && rest.is_empty() {
            break;
        }
    }
    hits
}

/// The next mark: how many bytes of both are the same until there, its kind, and where it ends.
fn next(text: &str, clean: &str, before: usize, after: usize) -> Option<(usize, String, usize)> {
    let (text, rest) = (text.get(before..)?, clean.get(after..)?);
    let mut from = 0_usize;
    loop {
        let place = from.saturating_add(rest.get(from..)?.find(MARK)?);
        let mark = rest.get(place..)?;
        let end = mark.find(']')?.saturating_add(1);
        // A mark that the text itself holds is none.
        if text.get(place..).is_some_and(|text| text.starts_with(mark.get(..end).unwrap_or(mark))) {
            from = place.saturating_add(end);
            continue;
        }
        let kind = mark.get(MARK.len()..end.saturating_sub(1))?.to_owned();
        return Some((place, kind, after.saturating_add(place).saturating_add(end)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_are_found_where_both_differ() {
        let text = "one abcdefgh two [REDACTED:jwt] three ijklmnop\nqr end stuv";
        let clean = "one [REDACTED:a] two [REDACTED:jwt] three [REDACTED:b]\nqr end [REDACTED:c]";
        let expected =
            [(4, "a", "one »abcd"), (38, "b", ":jwt] three »ijkl"), (54, "c", "mnop qr end »stuv")];
        let found = compare(text, clean);
        let found: Vec<_> =
            found.iter().map(|hit| (hit.start, hit.kind.as_str(), hit.excerpt.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_hit_may_be_the_whole_text() {
        let hit = Hit { start: 0, kind: "a".to_owned(), excerpt: "»abcd".to_owned() };
        assert_eq!(compare("abcdefgh", "[REDACTED:a]"), [hit]);
        assert!(compare("a [REDACTED:a]", "a [REDACTED:a]").is_empty());
    }
}
