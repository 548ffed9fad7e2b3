//! The page behind a link: whom it invites to what, or why it no longer works and what to do then.

use super::page::{GONE, PAIR, PAIR_SEALED, token};
use crate::{
    calls::{self, Look},
    http::{self, Request, Response},
    platform::now,
    router::Route,
};
use nexus_core::{Error, Fault, Invitation, Result};
use nexus_protocol::{CodeState, ErrorCode, PairingCode, Timestamp};
use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;
use worker::Env;

/// `GET /p/:code` (section 4). Chat programs fetch links to preview them, so this changes nothing.
pub(super) async fn answer(request: &Request, env: &Env, route: &Route) -> Result<Response> {
    let found = match route.code() {
        Ok(code) => find(env, code).await?,
        // What is no code cannot be a guess at one.
        Err(_) => return gone(request, env, &Gone::Incomplete).await,
    };
    let (code, expires_at, invitation) = match found {
        Behind::Session(code, expires_at, invitation) => (code, expires_at, *invitation),
        Behind::Gone(gone_for) => return gone(request, env, &gone_for).await,
        Behind::Nothing => {
            let page = gone(request, env, &Gone::Unknown).await?;
            return Ok(page.with(http::CLASS, http::GUESS));
        }
    };
    let origin = http::origin(request, env)?;
    let left = expires_at.millis_since(now()).max(0);
    let until = expires_at.to_string();
    let (qr_size, qr_path) = qr_code(&format!("{origin}/p/{}", code.as_str()))?;
    let by = invitation.by.as_deref().unwrap_or("Somebody");
    let topic = invitation.topic.unwrap_or_default();
    let summary = match topic.as_str() {
        "" if invitation.is_encrypted => {
            "An encrypted conversation. Give the whole link to your AI agent, or join yourself."
        }
        "" => "Give this link to your AI agent, or join yourself. No account, nothing to install.",
        topic => topic,
    };
    let page = if invitation.is_encrypted { PAIR_SEALED } else { PAIR };
    page.answer(
        request,
        env,
        200,
        &[
            ("heading", &format!("{by} invites you to talk")),
            ("summary", summary),
            ("topic", &topic),
            ("code", code.as_str()),
            ("encrypted", if invitation.is_encrypted { "true" } else { "" }),
            ("code_minutes", &left.div_euclid(60_000).to_string()),
            ("code_ends_in", &left.to_string()),
            ("code_expires_at", &until),
            ("code_expires_time", until.get(11..16).unwrap_or(&until)),
            ("qr_size", &qr_size.to_string()),
            ("qr_path", &qr_path),
            ("session_expires_at", &invitation.expires_at.to_string()),
            ("ttl_minutes", &invitation.ttl.div_ceil(60).to_string()),
            ("agent", &format!("guest-{}", token()?)),
            ("key", &format!("{}-{}", token()?, token()?)),
        ],
    )
    .await
}

/// What is behind a link.
enum Behind {
    /// The code can be claimed until this time, and leads to this session.
    Session(PairingCode, Timestamp, Box<Invitation>),
    /// Nobody can join with it.
    Gone(Gone),
    /// There is no such code.
    Nothing,
}

/// Why nobody can join with a link now.
enum Gone {
    Used(Option<Timestamp>),
    Expired,
    Revoked,
    /// The session has ended.
    Ended,
    /// Every seat is taken. The code stays good until this time.
    Full(Timestamp),
    /// There is no such code, or it was deleted.
    Unknown,
    /// It is not a code.
    Incomplete,
    /// It brought the key of an encrypted session, which only its members may know.
    KeyShown,
}

/// How a link that does not work is told.
struct Words {
    /// One word, for the page's script and style.
    state: &'static str,
    heading: &'static str,
    /// What a person can do.
    person: &'static str,
    /// Completes "The code in this link ...".
    reason: String,
}

impl Gone {
    fn words(&self) -> Words {
        let (state, heading, person, reason) = match self {
            Self::Used(when) => (
                "used",
                "This link has been used",
                "A link lets one in, once. If that was not you or your agent, tell whoever sent it: they see who has joined, can remove a stranger, and can make a new link for you.",
                format!(
                    "has been used{}",
                    when.map(|at| format!(", at {at} (UTC)")).unwrap_or_default()
                ),
            ),
            Self::Expired => (
                "expired",
                "This link has run out",
                "Links work for a short time only. Ask whoever sent it for a new one, and open that at once.",
                "has expired".to_owned(),
            ),
            Self::Revoked => (
                "revoked",
                "This link was taken back",
                "Whoever made it does not want it to be used any more. If you should still join, ask them for a new one.",
                "has been taken back".to_owned(),
            ),
            Self::Ended => (
                "ended",
                "This conversation has ended",
                "Everything in it was deleted. If there is more to say, ask for a link to a new one, or start one yourself.",
                "leads to a session that has ended".to_owned(),
            ),
            Self::Full(until) => (
                "full",
                "This conversation is full",
                "Every seat in it is taken. Ask whoever sent the link to remove somebody, and open it again then: until it runs out, it still works.",
                format!(
                    "leads to a session in which every seat is taken. The code itself still works until {until} (UTC): when a member has left or was removed, claim it. Otherwise the other side can create a session with a larger `maxAgents`"
                ),
            ),
            Self::Unknown => (
                "unknown",
                "There is no such link",
                "It may be mistyped, or more than a day old. Open it exactly as it was sent, or ask for a new one.",
                "was never made, or is misspelt, or is more than a day old".to_owned(),
            ),
            Self::Incomplete => (
                "unknown",
                "This link is not complete",
                "A part of it is missing or mistyped. Open it exactly as it was sent, or ask for it again.",
                "is not complete, or is misspelt".to_owned(),
            ),
            Self::KeyShown => (
                "leaked",
                "This link is no longer secret",
                "It leads to an encrypted conversation, and its key has reached this server: a mail filter has changed the link. Do not use it. Ask, by another way, for a link to a new conversation.",
                "came with the key of its encrypted conversation, which this server must not see (a mail filter may have changed `#` to `%23`); ask, by another way than before, for a link to a new conversation, and let this one go".to_owned(),
            ),
        };
        Words { state, heading, person, reason }
    }
}

/// Looks a code up, and the session that it leads to.
async fn find(env: &Env, code: PairingCode) -> Result<Behind> {
    let look = calls::call(env, code.first_word(), &Look { code: code.clone() }).await;
    let (status, invitation) = match look {
        Err(Error::Refused(refusal)) if refusal.body.error == ErrorCode::CodeNotFound => {
            return Ok(Behind::Nothing);
        }
        found => found?,
    };
    Ok(match (status.state, invitation) {
        (CodeState::Claimed, _) => Behind::Gone(Gone::Used(status.claimed_at)),
        (CodeState::Revoked, _) => Behind::Gone(Gone::Revoked),
        (CodeState::Expired, _) => Behind::Gone(Gone::Expired),
        (CodeState::Pending, None) => Behind::Gone(Gone::Ended),
        (CodeState::Pending, Some(invitation)) if invitation.is_full => {
            Behind::Gone(Gone::Full(status.expires_at))
        }
        (CodeState::Pending, Some(invitation)) => {
            Behind::Session(code, status.expires_at, Box::new(invitation))
        }
    })
}

/// A link as a QR code. Returns its width in modules, margin included, and the path of an SVG of that
/// width.
fn qr_code(link: &str) -> Result<(i32, String)> {
    const MARGIN: i32 = 4;
    let code = QrCode::encode_text(link, QrCodeEcc::Medium).map_err(Fault::new)?;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            // Writing to a String cannot fail.
            let _ =
                write!(path, "M{} {}h1v1h-1z", x.saturating_add(MARGIN), y.saturating_add(MARGIN));
        }
    }
    Ok((code.size().saturating_add(2 * MARGIN), path))
}

/// The page of a link that came with its key.
pub(super) async fn key_shown(request: &Request, env: &Env) -> Result<Response> {
    gone(request, env, &Gone::KeyShown).await
}

/// The page of a link with which nobody can join. A full session answers 200: its link still works.
async fn gone(request: &Request, env: &Env, gone: &Gone) -> Result<Response> {
    let Words { state, heading, person, reason } = gone.words();
    let status = if matches!(gone, Gone::Full(_)) { 200 } else { 404 };
    let values =
        [("state", state), ("heading", heading), ("person", person), ("reason", reason.as_str())];
    GONE.answer(request, env, status, &values).await
}
