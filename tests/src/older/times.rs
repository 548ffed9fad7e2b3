//! Times in texts, relative to a moment: `{{time 5}}` is 5 ms after it as RFC 3339, `{{ms 5}}` as
//! milliseconds since 1970, and `{{ns 5}}` as nanoseconds.

use nexus_protocol::Timestamp;

/// What is nearer than 1,000 days counts as a time, in milliseconds.
const NEAR: u64 = 1000 * 86_400_000;
const NANOS: i64 = 1_000_000;

/// Replaces every time by its distance from `now`.
pub(super) fn relative(text: &str, now: i64) -> String {
    let (mut all, mut rest, mut is_inside) = (String::new(), text, false);
    while let Some(next) = rest.chars().next() {
        let taken = if is_inside { None } else { time(rest) };
        let taken = taken.filter(|(_, at, _)| at.abs_diff(now) < NEAR);
        let length = if let Some((unit, at, length)) = taken {
            all.extend(["{{", unit, " ", &(at - now).to_string(), "}}"]);
            length
        } else {
            all.push(next);
            next.len_utf8()
        };
        is_inside = next.is_ascii_alphanumeric();
        (_, rest) = rest.split_at(length);
    }
    all
}

/// The time that the text begins with: its unit, its milliseconds and its length.
fn time(text: &str) -> Option<(&'static str, i64, usize)> {
    let word = text.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
    match (word.len(), word.parse::<i64>().ok()?) {
        (13, millis) => Some(("ms", millis, 13)),
        (19, nanos) => Some(("ns", nanos / NANOS, 19)),
        (4, _) => {
            let time = serde_json::from_str(&format!("\"{}\"", text.get(..24)?)).ok()?;
            Some(("time", Timestamp::as_millis(time), 24))
        }
        _ => None,
    }
}

/// Puts the times back, as they are if the moment is `now`.
pub(super) fn absolute(text: &str, now: i64) -> String {
    let mut parts = text.split("{{");
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_once("}}").expect("an end");
        let (unit, distance) = time.split_once(' ').expect("a unit");
        let at = now + distance.parse::<i64>().expect("a number");
        all += &match unit {
            "ms" => at.to_string(),
            "ns" => (at * NANOS).to_string(),
            _ => Timestamp::from_millis(at).to_string(),
        };
        all += rest;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_move_with_the_moment_and_nothing_else_does() {
        let [now, later] = [1_796_042_678_000, 1_796_042_679_001];
        let text =
            r#"("2026-11-30T12:44:39.001Z",1796042677999,1796042678005000000,a1796042677999,12)"#;
        let kept = r#"("{{time 1001}}",{{ms -1}},{{ns 5}},a1796042677999,12)"#;
        let moved =
            r#"("2026-11-30T12:44:40.002Z",1796042679000,1796042679006000000,a1796042677999,12)"#;
        assert_eq!(relative(text, now), kept);
        assert_eq!(absolute(kept, now), text);
        assert_eq!(absolute(kept, later), moved);
    }
}
