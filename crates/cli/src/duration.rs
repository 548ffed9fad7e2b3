//! Spans of time on the command line: `30s`, `10m`, `24h`, `7d`, or a bare number of seconds.

const RULE: &str = "must be a whole number and s, m, h or d, such as 30s, 10m or 24h; without a letter it counts seconds";

/// Reads a span. Returns seconds.
pub(crate) fn seconds(text: &str) -> Result<u32, &'static str> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let found =
        units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (count, unit) = found.unwrap_or((text, 1));
    let is_plain = !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit());
    let count =
        count.parse::<u32>().ok().filter(|_| is_plain).and_then(|count| count.checked_mul(unit));
    count.ok_or(RULE)
}

/// Reads a span that is not empty.
pub(crate) fn at_least_one(text: &str) -> Result<u32, &'static str> {
    match seconds(text)? {
        0 => Err("must be at least 1 s"),
        seconds => Ok(seconds),
    }
}

/// A span as it is written on the command line.
pub(crate) fn shown(seconds: u32) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let fits = |size: u32| seconds >= size && seconds.is_multiple_of(size);
    let found = units.into_iter().find(|(size, _)| fits(*size)).unwrap_or((1, 's'));
    format!("{}{}", seconds.checked_div(found.0).unwrap_or(seconds), found.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_shown_as_they_are_written() {
        for text in ["0s", "1s", "90s", "10m", "24h", "36h", "7d"] {
            let seconds = seconds(text).unwrap();
            assert_eq!(super::seconds(&shown(seconds)), Ok(seconds), "{text}");
        }
        assert_eq!([shown(600), shown(61), shown(86_400)], ["10m", "61s", "1d"]);
    }

    #[test]
    fn spans_have_units_and_bare_numbers_are_seconds() {
        for (text, expected) in
            [("0", 0), ("90", 90), ("90s", 90), ("10m", 600), ("24h", 86_400), ("7d", 604_800)]
        {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for text in ["", "m", "-1", "+1", "1.5h", "1 h", "h1", "99999999999d", "1w"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert!(at_least_one("0s").is_err());
        assert_eq!(at_least_one("2m"), Ok(120));
    }
}
