//! Times as people say them, in their zone.

use chrono::{DateTime, Local, TimeDelta, TimeZone, Utc};

/// The time of day, and the zone of the person.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    now: DateTime<Utc>,
}

impl Clock {
    pub(crate) fn at(millis: i64) -> Self {
        Self { now: DateTime::from_timestamp_millis(millis).unwrap_or_default() }
    }

    /// `5 min ago`, `in 1 h (14:03)`, or a date. `None` if the text is not a time.
    pub(crate) fn say(&self, text: &str) -> Option<String> {
        self.say_in(text, &Local)
    }

    /// The time of day in the person's zone, with the day if that is another one. `None` if the text is not
    /// a time.
    pub(crate) fn of_day(&self, text: &str) -> Option<String> {
        let local = DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Local);
        let is_today = local.date_naive() == self.now.with_timezone(&Local).date_naive();
        let form = if is_today { "%H:%M" } else { "%a %-d %b %H:%M" };
        Some(local.format(form).to_string())
    }

    fn say_in<Z: TimeZone>(&self, text: &str, zone: &Z) -> Option<String>
    where
        Z::Offset: std::fmt::Display,
    {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        let local = time.with_timezone(zone);
        let span = time.signed_duration_since(self.now);
        let whole = span.abs();
        let amount = match whole {
            whole if whole < TimeDelta::seconds(5) => return Some("now".to_owned()),
            whole if whole < TimeDelta::minutes(1) => format!("{} s", whole.num_seconds()),
            whole if whole < TimeDelta::minutes(90) => {
                format!("{} min", rounded(whole.num_seconds(), 60))
            }
            whole if whole < TimeDelta::hours(24) => {
                format!("{} h", rounded(whole.num_seconds(), 3600))
            }
            _ => return Some(local.format("%a %-d %b %Y, %H:%M").to_string()),
        };
        let is_past = span < TimeDelta::zero();
        let relative = if is_past { format!("{amount} ago") } else { format!("in {amount}") };
        let needs_clock = whole >= TimeDelta::minutes(5);
        Some(if needs_clock { format!("{relative} ({})", local.format("%H:%M")) } else { relative })
    }
}

/// A number of seconds in its largest whole unit.
pub(super) fn span(seconds: u64) -> String {
    let units = [(86_400_u64, "d"), (3600, "h"), (60, "min")];
    let whole = units.into_iter().filter(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    let mut said =
        whole.filter_map(|(unit, name)| Some(format!("{} {name}", seconds.checked_div(unit)?)));
    said.next().unwrap_or_else(|| format!("{seconds} s"))
}

fn rounded(seconds: i64, unit: i64) -> i64 {
    seconds.saturating_add(unit / 2).checked_div(unit).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

    #[test]
    fn times_are_relative_and_in_the_zone_of_the_person() {
        // 2026-01-01T00:00:00Z
        let clock = Clock::at(1_767_225_600_000);
        let zone = FixedOffset::east_opt(3600).unwrap();
        for (text, said) in [
            ("2026-01-01T00:00:04Z", "now"),
            ("2025-12-31T23:59:30Z", "30 s ago"),
            ("2026-01-01T00:03:00Z", "in 3 min"),
            ("2026-01-01T00:59:50Z", "in 60 min (01:59)"),
            ("2025-12-31T20:00:00Z", "4 h ago (21:00)"),
            ("2025-12-28T23:30:00Z", "Mon 29 Dec 2025, 00:30"),
        ] {
            assert_eq!(clock.say_in(text, &zone).as_deref(), Some(said), "{text}");
        }
        assert_eq!(clock.say("soon"), None);
        assert_eq!([span(90), span(3660), span(86_400)], ["90 s", "61 min", "1 d"]);
    }
}
