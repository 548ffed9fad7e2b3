//! How the directory keeps which session is behind a row without knowing it: sealed with the operator's token.
//!
//! The id of a session is its key, so it is stored nowhere outside of the session. Without the token, a
//! sealed id is of no use to anyone. It never leaves the directory: whoever has a sealed id can try tokens on it
//! as often as they like, so no log line and no response holds one.
//!
//! The form is a synthetic nonce (as in RFC 5297): the HMAC of the id is also the check, and the start of the
//! stream of bits that hides the id. Equal ids are equal when sealed, which says no more than the hash beside it.

use crate::{Fault, digest::hmac};
use nexus_protocol::SessionId;

/// The hex digits of the check.
const CHECK: usize = 32;

/// The id, in the form that only this token opens: 80 hex digits.
pub fn seal(token: &str, id: &SessionId) -> Result<String, Fault> {
    let check = check(token, id.as_str())?;
    let hidden = hide(token, &check, id.as_str())?;
    Ok(check + &hidden)
}

/// The id that was sealed with this token. `None` if it was another one, or if this is nothing sealed.
pub fn unseal(token: &str, sealed: &str) -> Result<Option<SessionId>, Fault> {
    let Some((shown, hidden)) = sealed.split_at_checked(CHECK) else { return Ok(None) };
    let id = hide(token, shown, hidden)?;
    let is_whole = check(token, &id)? == shown;
    Ok(id.parse().ok().filter(|_| is_whole))
}

fn check(token: &str, id: &str) -> Result<String, Fault> {
    let mut check = hmac(token, &format!("session {id}"))?;
    check.truncate(CHECK);
    Ok(check)
}

/// Hides hex digits, or shows them again.
fn hide(token: &str, check: &str, digits: &str) -> Result<String, Fault> {
    let stream = hmac(token, &format!("stream {check}"))?;
    let value = |digit: char| digit.to_digit(16).unwrap_or(0);
    let pairs = digits.chars().zip(stream.chars());
    Ok(pairs.filter_map(|(a, b)| char::from_digit(value(a) ^ value(b), 16)).collect())
}
