//! How often a client may ask (protocol, section 1).
//!
//! A request is counted for its IP, before anything else, by the platform's own limiters; without their
//! bindings there is no limit. A request that shows a session key or a secret is counted by the object
//! that knows whether it is the right one, for its agent: so many agents behind one address do not
//! take each other's share. If it was not the right one it is counted for the IP after all, and an IP
//! that shows too many wrong ones is counted first for a minute, but for keys that were right before. Who
//! shows such a key when making or revoking a link is not counted for the IP either.
//!
//! What this instance remembers is lost with it, which lets through a few more; the limiters hold
//! for all.

use crate::{
    http::{self, AGENT, CLASS, GUESS, Request, Response},
    platform::{self, fault, now},
    router::{Code, Endpoint, Limiter, Route},
};
use nexus_core::{Error, MailboxNeed, Result};
use nexus_protocol::{AgentId, AgentSecret, ErrorCode, LimitKind, Refusal};
use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
    net::Ipv6Addr,
};
use worker::Env;

/// The binding of the limiter of all requests.
const ALL: &str = "RATE_LIMITER";
/// That of all requests that show a key or a secret.
const KEYED: &str = "KEYED_LIMITER";
const CREATE: &str = "CREATE_LIMITER";
const PAIR: &str = "PAIR_LIMITER";
const REGISTER: &str = "REGISTER_LIMITER";
const MCP: &str = "MCP_LIMITER";
const GUESSES: &str = "GUESS_LIMITER";

/// Seconds that one who was refused has to wait.
const WAIT: u32 = 60;

/// What is remembered of how many, at most.
const MANY: usize = 10_000;

/// What an IP has done too often.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Fault {
    /// Shown keys that are wrong.
    WrongKeys,
    /// Named codes that do not exist, or wrong tokens.
    Guesses,
}

#[derive(Default)]
struct Memory {
    /// Until when an IP is not trusted, in milliseconds.
    suspects: HashMap<(Fault, String), i64>,
    /// The hashes of keys that were right.
    proven: HashSet<u64>,
}

thread_local! {
    static MEMORY: RefCell<Memory> = RefCell::default();
}

/// A key or secret that is shown: its hash together with what it is shown to, and by itself.
#[derive(Clone, Copy)]
struct Shown {
    to_this: u64,
    to_any: u64,
}

impl Shown {
    fn to(this: &str, value: &str) -> Self {
        Self { to_this: hash(this, value), to_any: hash("", value) }
    }
}

/// A request on its way.
pub(crate) struct Visit {
    ip: String,
    /// The key or secret that it shows, where an object will check it.
    shown: Option<Shown>,
    /// It names a code, or shows the operator's token.
    may_guess: bool,
    /// It was not counted yet.
    is_free: bool,
}

/// Counts a request that comes. Refused if its client has to wait.
pub(crate) async fn enter(request: &Request, env: &Env, route: Option<&Route>) -> Result<Visit> {
    let limiter = route.map_or(Limiter::Requests, |route| route.limiter);
    let ip = client(request, env)?;
    let shown = route.and_then(|route| shown(request, route));
    let may_guess = limiter == Limiter::Guess;
    let mut visit = Visit { ip, shown, may_guess, is_free: false };
    if may_guess && let Some(seconds) = visit.suspicion(Fault::Guesses) {
        return Err(Refusal::too_many_guesses(seconds).into());
    }
    // One page asks for a dozen assets.
    if limiter == Limiter::Free {
        return Ok(visit);
    }
    let is_trusted = || visit.suspicion(Fault::WrongKeys).is_none() || visit.is_proven();
    visit.is_free = shown.is_some() && is_trusted();
    if route.is_some_and(|route| {
        matches!(route.endpoint, Endpoint::Code(Code::Create | Code::Revoke, _))
    }) {
        // Which session it is about, only the body or the code says. A key is of one session.
        let key = request.header("X-Session-Key");
        visit.is_free = key.is_some_and(|key| is_known(hash("", key)));
    }
    let all = if visit.is_free { KEYED } else { ALL };
    if !visit.count(env, all).await? {
        let limit = if visit.is_free { LimitKind::Keyed } else { LimitKind::Requests };
        return Err(Refusal::rate_limit_exceeded(WAIT).of(limit).into());
    }
    if let Some((binding, limit)) = binding(limiter)
        && !visit.is_free
        && !visit.count(env, binding).await?
    {
        return Err(Refusal::rate_limit_exceeded(WAIT).of(limit).into());
    }
    Ok(visit)
}

/// Does what a secret is shown for that a person may have chosen, and that may be short: wrong ones are guesses.
/// An IP that made too many waits, but for secrets that were right before.
pub(crate) async fn with_secret(
    request: &Request,
    env: &Env,
    (id, secret): (&AgentId, Option<&AgentSecret>),
    work: impl Future<Output = Result<Response>>,
) -> Result<Response> {
    let shown = secret.map(|secret| Shown::to(id.as_str(), secret.as_str()));
    let visit = Visit { ip: client(request, env)?, shown, may_guess: true, is_free: false };
    if let Some(seconds) = visit.suspicion(Fault::Guesses)
        && !visit.is_proven()
    {
        return Err(Refusal::too_many_guesses(seconds).into());
    }
    let answer = work.await;
    let is_wrong = match &answer {
        Ok(response) => response.header(CLASS) == Some(GUESS),
        Err(Error::Refused(refusal)) => http::is_guess(refusal),
        Err(Error::Fault(_)) => return answer,
    };
    if !is_wrong {
        visit.note_proven();
    } else if !visit.count(env, GUESSES).await? {
        visit.suspect(Fault::Guesses);
        return Err(Refusal::too_many_guesses(WAIT).into());
    }
    answer
}

/// What a call over MCP shows, by which it is counted.
#[derive(Clone, Copy)]
pub(crate) enum Passed<'a> {
    /// Nothing: it asks what there is.
    Nothing,
    /// It asks for a new seat.
    NewSeat,
    /// It asks for one with a code of this first word, which may be wrong.
    Code(&'a str),
    /// A seat: to what, and the key.
    Key(&'a str, &'a str),
    /// A seat or a secret at an address, which a person may have chosen.
    Secret(&'a str, &'a str),
}

/// A call over MCP on its way.
pub(crate) struct McpVisit {
    visit: Visit,
    fault: Fault,
}

/// Counts a call over MCP that comes. Many people share the IPs of the clouds in which their agents live. So a seat
/// that was right before is not counted for its IP, but by its object, for its agent; and wrong codes, keys and
/// secrets lock out an IP only from what they were tried on.
pub(crate) async fn enter_mcp(
    request: &Request,
    env: &Env,
    passed: Passed<'_>,
) -> Result<McpVisit> {
    let ip = client(request, env)?;
    let (at, shown) = match passed {
        Passed::Nothing | Passed::NewSeat => ("", None),
        Passed::Code(at) => (at, None),
        Passed::Key(at, key) | Passed::Secret(at, key) => (at, Some(Shown::to(at, key))),
    };
    let fault = match passed {
        Passed::Code(_) | Passed::Secret(..) => Fault::Guesses,
        Passed::Nothing | Passed::NewSeat | Passed::Key(..) => Fault::WrongKeys,
    };
    let of_this = format!("{ip} {:x}", hash("mcp", at));
    let of_this = Visit { ip: of_this, shown, may_guess: false, is_free: false };
    let visit = McpVisit { visit: of_this, fault };
    if visit.visit.is_proven() {
        return Ok(visit);
    }
    if let Some(seconds) = visit.visit.suspicion(fault) {
        return Err(visit.refusal(seconds).into());
    }
    let (limiter, limit) = match passed {
        Passed::NewSeat | Passed::Code(_) => (MCP, LimitKind::Mcp),
        Passed::Nothing | Passed::Key(..) | Passed::Secret(..) => (KEYED, LimitKind::Keyed),
    };
    let all = Visit { ip, shown: None, may_guess: false, is_free: false };
    if !all.count(env, limiter).await? {
        return Err(Refusal::rate_limit_exceeded(WAIT).of(limit).into());
    }
    Ok(visit)
}

impl McpVisit {
    /// Counts a call by whether what it showed was right, if that is known. Refused if its client has to wait.
    pub(crate) async fn leave(&self, env: &Env, is_right: Option<bool>) -> Result<()> {
        match is_right {
            Some(true) => {
                self.visit.note_proven();
                return Ok(());
            }
            // What was right before may have ended since.
            Some(false) => self.visit.forget(),
            None => return Ok(()),
        }
        let limiter = match self.fault {
            Fault::Guesses => GUESSES,
            Fault::WrongKeys => ALL,
        };
        if self.visit.count(env, limiter).await? {
            return Ok(());
        }
        self.visit.suspect(self.fault);
        Err(self.refusal(WAIT).into())
    }

    fn refusal(&self, seconds: u32) -> Refusal {
        match self.fault {
            Fault::Guesses => Refusal::too_many_guesses(seconds),
            Fault::WrongKeys => Refusal::rate_limit_exceeded(seconds),
        }
    }
}

impl Visit {
    /// Counts a request by what it was answered. Refused if its client has to wait.
    pub(crate) async fn leave(&self, env: &Env, answer: &Result<Response>) -> Result<()> {
        let (is_error, class) = match answer {
            Ok(response) if response.status() < 400 => (false, None),
            // That a file ends before, or that the relay failed, says nothing of who asked.
            Ok(response) if matches!(response.status(), 416 | 500..) => return Ok(()),
            Ok(response) => (true, response.header(CLASS)),
            Err(Error::Refused(refusal)) => {
                let is_guess = refusal.body.error == ErrorCode::InvalidToken;
                (true, (is_guess || http::is_guess(refusal)).then_some(GUESS))
            }
            Err(_) => return Ok(()),
        };
        if self.may_guess && class == Some(GUESS) && !self.count(env, GUESSES).await? {
            self.suspect(Fault::Guesses);
            return Err(Refusal::too_many_guesses(WAIT).into());
        }
        if !self.is_free {
            return Ok(());
        }
        if !is_error || class == Some(AGENT) {
            self.note_proven();
        } else if !self.count(env, ALL).await? {
            self.suspect(Fault::WrongKeys);
            return Err(Refusal::rate_limit_exceeded(WAIT).into());
        }
        Ok(())
    }

    /// Whether the key or secret that it shows was right before.
    fn is_proven(&self) -> bool {
        self.shown.is_some_and(|shown| is_known(shown.to_this))
    }

    fn note_proven(&self) {
        MEMORY.with_borrow_mut(|memory| {
            if memory.proven.len() >= MANY {
                memory.proven.clear();
            }
            let shown = self.shown.map(|shown| [shown.to_this, shown.to_any]);
            memory.proven.extend(shown.into_iter().flatten());
        });
    }

    /// Notes that what it shows is not right, or no longer.
    fn forget(&self) {
        MEMORY.with_borrow_mut(|memory| {
            if let Some(shown) = self.shown {
                memory.proven.remove(&shown.to_this);
                memory.proven.remove(&shown.to_any);
            }
        });
    }

    /// Whether the limiter lets one more pass.
    async fn count(&self, env: &Env, limiter: &str) -> Result<bool> {
        let Ok(limiter) = env.rate_limiter(limiter) else { return Ok(true) };
        Ok(limiter.limit(self.ip.clone()).await.map_err(fault)?.success)
    }

    /// For how many seconds more this IP is suspected; none if it is not.
    fn suspicion(&self, of: Fault) -> Option<u32> {
        MEMORY.with_borrow(|memory| {
            if memory.suspects.is_empty() {
                return None;
            }
            let until = memory.suspects.get(&(of, self.ip.clone()))?;
            let left = until.saturating_sub(now().as_millis()).saturating_add(999) / 1000;
            u32::try_from(left).ok().filter(|left| *left > 0)
        })
    }

    fn suspect(&self, of: Fault) {
        let now = now().as_millis();
        MEMORY.with_borrow_mut(|memory| {
            if memory.suspects.len() >= MANY {
                memory.suspects.retain(|_, until| *until > now);
                if memory.suspects.len() >= MANY {
                    memory.suspects.clear();
                }
            }
            let until = now.saturating_add(i64::from(WAIT).saturating_mul(1000));
            memory.suspects.insert((of, self.ip.clone()), until);
        });
    }
}

/// The binding of the limiter that a call has besides the one of all, and what it limits; that of guesses counts
/// what is answered.
fn binding(limiter: Limiter) -> Option<(&'static str, LimitKind)> {
    match limiter {
        Limiter::Create => Some((CREATE, LimitKind::Sessions)),
        Limiter::Pair => Some((PAIR, LimitKind::Links)),
        Limiter::Register => Some((REGISTER, LimitKind::Addresses)),
        Limiter::Free | Limiter::Requests | Limiter::Guess => None,
    }
}

/// The key or secret that a request shows, for a call whose object checks it.
fn shown(request: &Request, route: &Route) -> Option<Shown> {
    let name = match route.endpoint {
        // A browser's key stands elsewhere, and this header is ignored.
        Endpoint::Session(_, need) | Endpoint::SessionEvents(need)
            if need.is_a_members() && request.header("X-Agent-Id").is_some() =>
        {
            "X-Session-Key"
        }
        Endpoint::Mailbox(_, MailboxNeed::Owner | MailboxNeed::Sender)
        | Endpoint::MailboxEvents(MailboxNeed::Owner | MailboxNeed::Sender) => "Authorization",
        _ => return None,
    };
    request.header(name).map(|value| Shown::to(route.parameter(0), value))
}

/// Whether what was hashed was right before.
fn is_known(hash: u64) -> bool {
    MEMORY.with_borrow(|memory| memory.proven.contains(&hash))
}

/// The hash of a key or secret, and of what it is shown to.
fn hash(of: &str, shown: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (of, shown).hash(&mut hasher);
    hasher.finish()
}

/// Whom a request is counted for: the network of its client, if a proxy names it in the header that the operator
/// trusts. A header that nobody sets in front of the relay would let each client choose.
fn client(request: &Request, env: &Env) -> Result<String> {
    let header = platform::client_ip_header(env)?;
    let named = header.and_then(|name| request.header(&name).map(ToOwned::to_owned));
    Ok(named.as_deref().map_or_else(|| "everyone".to_owned(), named_last))
}

/// The network that a list names last: what stands before it, the client may have written.
fn named_last(list: &str) -> String {
    network(list.rsplit(',').next().unwrap_or_default().trim())
}

/// What one client has: an address, or of IPv6 the network that is given out as a whole.
fn network(ip: &str) -> String {
    match ip.parse::<Ipv6Addr>() {
        Ok(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Err(_) => ip.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_cannot_choose_whom_it_is_counted_for() {
        assert_eq!(named_last("203.0.113.9, 192.0.2.1"), "192.0.2.1");
        assert_eq!(named_last("192.0.2.1"), named_last("evil, 198.51.100.7,192.0.2.1 "));
    }

    #[test]
    fn an_address_of_a_network_is_the_network() {
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(network("2001:db8:1:2::9"), "2001:db8:1:2::/64");
        assert_ne!(network("2001:db8:1:3::9"), "2001:db8:1:2::/64");
    }
}
