//! Points in time, as the wire and the storage write them.

use chrono::{DateTime, Datelike, Month, SecondsFormat, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Milliseconds since 1970 in UTC. RFC 3339 with milliseconds on the wire (section 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The time `millis` milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the beginning of 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// The time `seconds` later.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        self.plus_millis(i64::from(seconds).saturating_mul(1000))
    }

    /// The time `millis` milliseconds later.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds from `earlier` to this time. Negative if `earlier` is later.
    #[must_use]
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads a time in the format of HTTP headers.
    #[must_use]
    pub fn from_http(text: &str) -> Option<Self> {
        let time = DateTime::parse_from_rfc2822(text).ok()?;
        Some(Self(time.timestamp_millis()))
    }

    /// The time in the format of HTTP headers.
    #[must_use]
    pub fn to_http(self) -> String {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH);
        let (weekday, month) =
            (time.weekday(), Month::try_from(u8::try_from(time.month()).unwrap_or(1)));
        let month = month.map_or("", |month| month.name()).get(..3).unwrap_or_default();
        let (day, year) = (time.day(), time.year());
        let (hour, minute, second) = (time.hour(), time.minute(), time.second());
        // Formatting by a pattern would compile in a parser that is larger than everything else
        // here.
        format!("{weekday}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = DateTime::from_timestamp_millis(self.0).unwrap_or(DateTime::UNIX_EPOCH);
        f.write_str(&time.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

#[cfg(feature = "schema")]
crate::schema::string!(Timestamp, "Time");

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time = DateTime::parse_from_rfc3339(&text).map_err(de::Error::custom)?;
        Ok(Self(time.timestamp_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_form_is_rfc_3339_with_milliseconds() {
        let time = Timestamp::from_millis(1_767_225_600_007);
        let wire = serde_json::to_string(&time).unwrap();
        assert_eq!(wire, r#""2026-01-01T00:00:00.007Z""#);
        assert_eq!(serde_json::from_str::<Timestamp>(&wire).unwrap(), time);
        assert_eq!(time.to_http(), "Thu, 01 Jan 2026 00:00:00 GMT");
        let second = Timestamp::from_millis(1_767_225_600_000);
        assert_eq!(Timestamp::from_http(&time.to_http()), Some(second));
        assert_eq!(Timestamp::from_http("soon"), None);
    }
}
