//! Requests to servers: time limits, repeated tries, and responses that do not follow the protocol.

mod files;
mod open;
mod sealed;

pub(crate) use files::FileBody;
pub(crate) use open::Post;

use crate::{
    answer::Answer,
    error::{Failure, Kind, Result},
    json::Json,
    net::Agents,
    proof::Proof,
    random,
    seal::Seal,
    server::Server,
    stderr::{printable, tell},
};
use nexus_protocol::{AgentId, AgentSecret, KeyId, SessionKey, Token};
use std::{env, io, thread, time::Duration};
use ureq::{AsSendBody, Body, Timeout, http};

/// The longest response that is read, in bytes.
const MAX_ANSWER: u64 = 64 << 20;
/// The most tries of one request.
const TRIES: u32 = 3;
/// The longest `Retry-After` that we wait for.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// What the text of an error has if the server has shown a certificate that nobody known vouches for.
const WRONG_CERTIFICATE: &str = "invalid peer certificate";

/// Whether a request may be repeated when it brought no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Yes: repeating it changes nothing.
    Always,
    /// Only if it cannot have reached the server.
    Unseen,
    /// No: the caller decides about further tries.
    Never,
}

/// A request to be made.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: http::Method,
    pub(crate) path: String,
    pub(crate) agent: Option<&'a AgentId>,
    pub(crate) key: Option<&'a Proof<SessionKey>>,
    /// The proof of an address.
    pub(crate) secret: Option<&'a Proof<AgentSecret>>,
    /// The token of a session, for joining it and for making links.
    pub(crate) token: Option<Proof<Token>>,
    /// Proves the key of an encrypted session, for joining it.
    pub(crate) key_id: Option<Proof<KeyId>>,
    /// Our part in an encrypted session: what is sent is sealed, and what comes is opened.
    pub(crate) seal: Option<&'a Seal>,
    /// `If-Match` or `If-None-Match`: the file must have a certain version, or must not exist.
    pub(crate) condition: Option<(&'static str, String)>,
    /// The `Idempotency-Key`, the same for every try.
    pub(crate) once: Option<String>,
    pub(crate) body: Option<Json>,
    pub(crate) repeat: Repeat,
    /// How long the server may wait before it responds. Added to the usual time limit.
    pub(crate) wait: Duration,
}

impl Request<'_> {
    pub(crate) fn new(method: http::Method, path: impl Into<String>, repeat: Repeat) -> Self {
        Self {
            method,
            path: path.into(),
            agent: None,
            key: None,
            secret: None,
            token: None,
            key_id: None,
            seal: None,
            condition: None,
            once: None,
            body: None,
            repeat,
            wait: Duration::ZERO,
        }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(http::Method::GET, path, Repeat::Always)
    }
}

/// A client with its time limit.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    agents: Agents,
    limit: Duration,
}

impl Http {
    /// Reads `NEXUS_HTTP_TIMEOUT`, in seconds.
    pub(crate) fn from_env() -> Result<Self> {
        let limit = match env::var("NEXUS_HTTP_TIMEOUT").ok().filter(|text| !text.is_empty()) {
            None => Some(Duration::from_secs(10)),
            Some(text) => text.parse().ok().and_then(|secs| Duration::try_from_secs_f64(secs).ok()),
        };
        let limit = limit.filter(|limit| !limit.is_zero()).ok_or_else(|| {
            let message = "NEXUS_HTTP_TIMEOUT must be a number of seconds above 0, such as 10.";
            Failure::own(Kind::InvalidEnvironment, message)
        })?;
        Ok(Self::with_limit(limit))
    }

    /// A client with this time limit.
    pub(crate) fn with_limit(limit: Duration) -> Self {
        Self { agents: Agents::new(limit), limit }
    }

    /// Makes a request, and repeats it where that is safe and may help. Returns a successful response.
    pub(crate) fn send(&self, server: &Server, request: &Request<'_>) -> Result<Answer> {
        match request.seal {
            Some(seal) => self.send_sealed(server, request, seal),
            None => self.send_open(server, request),
        }
    }

    fn send_open(&self, server: &Server, request: &Request<'_>) -> Result<Answer> {
        Self::again(request.repeat, || self.try_once(server, request))
    }

    /// Runs `once`, and repeats it where that is safe and may help.
    fn again<T>(repeat: Repeat, mut once: impl FnMut() -> Result<T>) -> Result<T> {
        let mut tried = 1;
        loop {
            let failure = match once() {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let wait = pause(&failure, repeat, tried, random::fraction());
            let Some(wait) = wait.filter(|_| tried < TRIES) else { return Err(failure) };
            let (seconds, why) = (wait.as_secs_f32(), failure.sentence());
            tell!("{why}\ntrying again in {seconds:.1} s");
            thread::sleep(wait);
            tried = tried.saturating_add(1);
        }
    }

    fn try_once(&self, server: &Server, request: &Request<'_>) -> Result<Answer> {
        let accept = "application/json";
        let limit = self.limit.saturating_add(request.wait);
        let response = match &request.body {
            Some(body) => self.run(server, limit, build(server, request, accept, body.as_str())?),
            None => self.run(server, limit, build(server, request, accept, ())?),
        };
        self.read(server, response?)
    }

    /// The time limit of a request.
    pub(crate) fn limit(&self) -> Duration {
        self.limit
    }

    /// Makes a request within this time limit.
    fn run<S: AsSendBody>(
        &self,
        server: &Server,
        limit: Duration,
        request: http::Request<S>,
    ) -> Result<http::Response<Body>> {
        let agent = self.agents.of(request.uri())?;
        let request = agent.configure_request(request).timeout_global(Some(limit)).build();
        agent.run(request).map_err(|error| self.failed(server, error))
    }

    fn read(&self, server: &Server, mut response: http::Response<Body>) -> Result<Answer> {
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let retry_after = header("Retry-After").and_then(|text| text.trim().parse().ok());
        if response.status().is_redirection() {
            let to = header("Location").unwrap_or_else(|| "elsewhere".into());
            let message = format!(
                "The server {} redirects to {}. Use that address: --url, `nexus config set-url` or `nexus bind`.",
                server.host(),
                printable(&to, 200)
            );
            return Err(Failure::own(Kind::Redirected, message));
        }
        let body = response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec();
        let body = String::from_utf8_lossy(&body.map_err(|error| self.failed(server, error))?)
            .into_owned();
        let json = match body.trim() {
            "" if response.status().is_success() => Json::parse("{\"ok\":true}"),
            text => Json::parse(text).filter(|json| json.as_str().starts_with('{')),
        };
        let Some(body) = json else {
            tell!("the answer begins: {}", printable(&body, 200));
            let message = format!(
                "{} answered {status} with something that is not JSON. It may be a proxy, or not a Nexus server. Check the address.",
                server.host()
            );
            return Err(Failure::own(Kind::NonJsonResponse, message));
        };
        let answer = Answer { status, body, retry_after };
        if response.status().is_success() { Ok(answer) } else { Err(Failure::Refused(answer)) }
    }

    fn failed(&self, server: &Server, error: ureq::Error) -> Failure {
        let host = server.host();
        let limit = self.limit.as_secs_f32();
        let unreachable = |why: &dyn std::fmt::Display| {
            let message =
                format!("No connection to {host}: {why}. Check the address and the network.");
            Failure::own(Kind::ServerUnreachable, message)
        };
        match error {
            ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
                unreachable(&format_args!("nothing within {limit} s"))
            }
            ureq::Error::Timeout(_) => {
                let message = format!(
                    "{host} did not answer within {limit} s (NEXUS_HTTP_TIMEOUT sets this limit). The request may or may not have been carried out."
                );
                Failure::own(Kind::Timeout, message)
            }
            ureq::Error::HostNotFound => unreachable(&"there is no such host"),
            error if error.to_string().contains(WRONG_CERTIFICATE) => {
                let message = format!(
                    "The certificate of {host} is not accepted: {error}. If it is your own, name the file with its authority in SSL_CERT_FILE. Else it may be another server: check the address."
                );
                Failure::own(Kind::ServerUnreachable, message)
            }
            ureq::Error::Io(error) if was_not_sent(&error) => unreachable(&error),
            error @ (ureq::Error::ConnectionFailed
            | ureq::Error::ConnectProxyFailed(_)
            | ureq::Error::InvalidProxyUrl
            | ureq::Error::Tls(_)
            | ureq::Error::Rustls(_)) => unreachable(&error),
            ureq::Error::Protocol(error) if server.url.starts_with("http:") => {
                unreachable(&format_args!("it does not speak http ({error}), but maybe https"))
            }
            ureq::Error::BodyExceedsLimit(_) => Failure::own(
                Kind::NonJsonResponse,
                format!("The response of {host} is longer than {MAX_ANSWER} bytes."),
            ),
            error => {
                let message = format!(
                    "The connection to {host} broke off before the response was complete ({error}). The request may or may not have been carried out."
                );
                Failure::own(Kind::ConnectionLost, message)
            }
        }
    }
}

/// Builds the HTTP request, with the proofs that this server may see.
fn build<S>(
    server: &Server,
    request: &Request<'_>,
    accept: &str,
    body: S,
) -> Result<http::Request<S>> {
    server.announce();
    let uri = format!("{}{}", server.url, request.path);
    let mut builder = http::Request::builder().method(&request.method).uri(uri);
    let key = request.key.and_then(|key| key.at(server));
    let key_id = request.key_id.as_ref().and_then(|id| id.at(server));
    let secret = request.secret.and_then(|secret| secret.at(server));
    let token = request.token.as_ref().and_then(|token| token.at(server));
    let bearer = secret.map(AgentSecret::as_str).or(token.map(Token::as_str));
    let bearer = bearer.map(|secret| format!("Bearer {secret}"));
    let headers = [
        ("X-Agent-Id", request.agent.map(AgentId::as_str)),
        ("X-Session-Key", key.map(SessionKey::as_str)),
        ("X-Key-Id", key_id.map(KeyId::as_str)),
        ("Authorization", bearer.as_deref()),
        ("Idempotency-Key", request.once.as_deref()),
        ("Content-Type", request.body.as_ref().map(|_| "application/json")),
        ("Accept", Some(accept)),
        request
            .condition
            .as_ref()
            .map_or(("If-Match", None), |(name, version)| (*name, Some(version))),
    ];
    for (name, value) in headers {
        if let Some(value) = value {
            let value = http::HeaderValue::from_str(value).map(|mut value| {
                value.set_sensitive(["Authorization", "X-Session-Key", "X-Key-Id"].contains(&name));
                value
            });
            let value = value.map_err(|_| {
                let message = format!(
                    "A value for the header {name} contains characters that a header cannot hold."
                );
                Failure::own(Kind::Usage, message)
            })?;
            builder = builder.header(name, value);
        }
    }
    builder.body(body).map_err(|error| {
        Failure::own(Kind::InvalidUrl, format!("The address of the request is invalid: {error}."))
    })
}

/// Whether the request certainly did not reach the server.
fn was_not_sent(error: &io::Error) -> bool {
    use io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable,
    };
    let kinds =
        [ConnectionRefused, HostUnreachable, NetworkUnreachable, NetworkDown, AddrNotAvailable];
    // A failed name lookup has no `ErrorKind`: Windows has codes for it, other systems this text. An
    // invalid certificate has none either, and nothing is sent after it.
    let unknown = error.raw_os_error().is_some_and(|code| (11_001..=11_004).contains(&code));
    let text = error.to_string();
    let words = ["failed to lookup address", WRONG_CERTIFICATE];
    let unknown = unknown || words.iter().any(|words| text.starts_with(words));
    unknown || kinds.contains(&error.kind())
}

/// How long to wait before the next try. `None` if there must be no further try. The server's
/// `Retry-After` counts. Without one the wait doubles each time. Part of it is random (`fraction`, 0 to 1),
/// so that agents that failed at the same moment do not all come back at the same moment.
fn pause(failure: &Failure, repeat: Repeat, tried: u32, fraction: f64) -> Option<Duration> {
    if repeat == Repeat::Never {
        return None;
    }
    if let Failure::Refused(Answer { status: 409 | 429 | 503, retry_after: Some(wait), .. }) =
        failure
    {
        // The server refused before it did anything, so any request can be repeated.
        return Some(Duration::from_secs(*wait)).filter(|wait| *wait <= MAX_WAIT);
    }
    let unseen = matches!(failure, Failure::Own(Kind::ServerUnreachable, _))
        || matches!(failure, Failure::Refused(Answer { status: 429, .. }));
    if !(unseen || (repeat == Repeat::Always && failure.is_passing() && !is_foreign(failure))) {
        return None;
    }
    let doubled = 0.4 * 2_f64.powi(tried.saturating_sub(1).min(10).cast_signed());
    Some(Duration::from_secs_f64(doubled * (0.5 + fraction.clamp(0.0, 1.0) / 2.0)))
}

/// A response that is not JSON will be the same at the next try.
fn is_foreign(failure: &Failure) -> bool {
    matches!(failure, Failure::Own(Kind::NonJsonResponse, _))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, retry_after: Option<u64>) -> Failure {
        Failure::Refused(Answer { status, body: Json::parse("{}").unwrap(), retry_after })
    }

    #[test]
    fn waits_grow_and_are_spread() {
        let lost = Failure::own(Kind::Timeout, "");
        let wait =
            |tried, fraction| pause(&lost, Repeat::Always, tried, fraction).unwrap().as_millis();
        assert_eq!((wait(1, 0.0), wait(1, 1.0)), (200, 400));
        assert_eq!((wait(2, 0.0), wait(2, 1.0)), (400, 800));
    }

    #[test]
    fn the_servers_retry_after_counts() {
        let secs = |failure| pause(&failure, Repeat::Unseen, 1, 0.5).map(|wait| wait.as_secs());
        assert_eq!(secs(refused(429, Some(7))), Some(7));
        assert_eq!(secs(refused(409, Some(3))), Some(3));
        assert_eq!(secs(refused(429, Some(3600))), None);
        assert_eq!(secs(refused(409, None)), None);
    }

    #[test]
    fn unsent_requests_are_distinguished_from_broken_connections() {
        use io::{Error, ErrorKind};
        for error in [
            Error::from(ErrorKind::ConnectionRefused),
            Error::other("failed to lookup address information: Name or service not known"),
            Error::new(ErrorKind::InvalidData, "invalid peer certificate: Expired"),
        ] {
            assert!(was_not_sent(&error), "{error}");
        }
        for kind in [ErrorKind::ConnectionReset, ErrorKind::UnexpectedEof, ErrorKind::BrokenPipe] {
            assert!(!was_not_sent(&kind.into()), "{kind}");
        }
    }

    #[test]
    fn only_safe_requests_are_repeated() {
        let again = |failure: &Failure, repeat| pause(failure, repeat, 1, 0.5).is_some();
        let (lost, unseen) =
            (Failure::own(Kind::Timeout, ""), Failure::own(Kind::ServerUnreachable, ""));
        assert!(again(&lost, Repeat::Always) && !again(&lost, Repeat::Unseen));
        assert!(again(&unseen, Repeat::Always) && again(&unseen, Repeat::Unseen));
        assert!(!again(&unseen, Repeat::Never) && !again(&refused(429, Some(1)), Repeat::Never));
        assert!(again(&refused(500, None), Repeat::Always));
        assert!(!again(&refused(500, None), Repeat::Unseen));
        assert!(!again(&refused(404, None), Repeat::Always));
    }
}
