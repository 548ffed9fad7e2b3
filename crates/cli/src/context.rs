//! What commands share: the options that every command takes, who we are, which session is meant, and
//! which server has it.

use crate::{
    answer::Answer,
    error::{Failure, Kind, Result},
    http::{Http, Request},
    proof::Proof,
    seal::Seal,
    server::{Addresses, Server, normalize},
    state::{Membership, State},
};
use clap::{ArgAction, Args};
use nexus_protocol::{AgentId, AgentSecret, SessionId, SessionKey};
use std::{env, sync::Arc, time::Duration};

/// How long completions wait for a server.
const SOON: Duration = Duration::from_secs(2);

/// The fewest digits of a session's id that stand for the whole.
const SHORTEST: usize = 4;

/// Options that every command takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// The server to use, whatever else names one
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// Your agent id; default: the one that is stored for the session
    #[arg(long, visible_alias = "as", global = true, value_name = "ID", value_parser = agent_id)]
    agent_id: Option<AgentId>,
    /// Use the state folder of another agent on this machine
    #[arg(long, global = true, value_name = "NAME", value_parser = profile)]
    profile: Option<String>,
    /// Print JSON, also on a terminal
    #[arg(long, global = true, num_args = 0, default_missing_value = "", action = ArgAction::Set)]
    json: Option<String>,
    /// Print what this jq filter makes of the result: strings as they are, everything else as JSON
    #[arg(long, global = true, value_name = "FILTER")]
    jq: Option<String>,
}

impl Global {
    /// How results are printed. The option of `send` with the same name has a value, which is a payload.
    pub(crate) fn format(&self) -> (bool, Option<String>) {
        (self.json.as_deref() == Some(""), self.jq.clone())
    }
}

/// Reads the name of a profile, which becomes the name of a folder.
fn profile(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_plain = (1..=64).contains(&text.len()) && text.bytes().all(allowed);
    if is_plain { Ok(text.to_owned()) } else { Err("must have 1 to 64 letters, digits, _ or -") }
}

/// Reads an agent id from the command line.
pub(crate) fn agent_id(text: &str) -> Result<AgentId, &'static str> {
    text.parse().map_err(|nexus_protocol::Malformed(rule)| rule)
}

/// The state, options and connections that a command works with.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    pub(crate) state: State,
    global: Global,
    env_url: Option<String>,
    http: Http,
}

/// A session, and what is stored here about it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) stored: Membership,
    /// Whether the command line names another server than the session's own.
    is_elsewhere: bool,
}

/// The agent that makes a request, and its proof.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) agent: AgentId,
    pub(crate) key: Option<Proof<SessionKey>>,
    /// The proof of an address.
    pub(crate) secret: Option<Proof<AgentSecret>>,
    /// Its part in an encrypted session.
    pub(crate) seal: Option<Arc<Seal>>,
}

impl Context {
    pub(crate) fn new(global: Global) -> Result<Self> {
        let env_url = env::var("NEXUS_URL").ok().filter(|url| !url.is_empty());
        Ok(Self {
            state: State::locate(global.profile.as_deref())?,
            global,
            env_url,
            http: Http::from_env()?,
        })
    }

    /// The same, for an agent of this name, whatever the command line says; `None`: for the stored agents.
    pub(crate) fn as_agent(&self, agent_id: Option<AgentId>) -> Self {
        Self { global: Global { agent_id, ..self.global.clone() }, ..self.clone() }
    }

    /// For a shell that waits for proposals.
    pub(crate) fn for_completion(profile: Option<String>) -> Result<Self> {
        let env_url = env::var("NEXUS_URL").ok().filter(|url| !url.is_empty());
        let global = Global { url: None, agent_id: None, profile, json: None, jq: None };
        let state = State::locate(global.profile.as_deref())?;
        Ok(Self { state, global, env_url, http: Http::with_limit(SOON) })
    }

    /// The options with which another process is the same agent at the same server.
    pub(crate) fn options(&self) -> Vec<String> {
        let name = self.global.agent_id.as_ref().map(ToString::to_string);
        let options = [
            ("--profile", self.global.profile.clone()),
            ("--as", name),
            ("--url", self.global.url.clone()),
        ];
        let given =
            options.into_iter().filter_map(|(option, value)| Some([option.to_owned(), value?]));
        given.flatten().collect()
    }

    /// The same with this time limit for each request.
    pub(crate) fn hurried(&self, limit: Duration) -> Self {
        Self { http: Http::with_limit(limit), ..self.clone() }
    }

    /// The profile that the command line names.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.global.profile.as_deref()
    }

    /// The session with this alias or id, or with an id that begins so.
    pub(crate) fn session(&self, text: &str) -> Result<Session> {
        // An alias does not look like a session id, so a damaged file of aliases does not matter here.
        if let Ok(id) = text.parse() {
            return self.session_of(id);
        }
        let aliases = self.state.aliases()?;
        if let Ok(id) = aliases.get(text).map_or(text, String::as_str).parse() {
            return self.session_of(id);
        }
        let is_prefix = text.len() >= SHORTEST && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut known = if is_prefix { self.state.sessions()? } else { Vec::new() };
        known.retain(|id| id.as_str().starts_with(text));
        let message = match known.as_slice() {
            [id] => return self.session_of(id.clone()),
            [] => format!(
                "`{text}` is neither a session id (48 lowercase hex digits), nor the beginning of one that is known here, nor an alias. `nexus ls` lists your sessions and their aliases."
            ),
            several => format!(
                "`{text}` is the beginning of {} session ids that are known here. Give more digits.",
                several.len()
            ),
        };
        Err(Failure::own(Kind::UnknownSession, message))
    }

    pub(crate) fn session_of(&self, id: SessionId) -> Result<Session> {
        let stored = self.state.membership(&id)?;
        let named = self.global.url.as_deref().zip(stored.server.as_deref());
        let is_elsewhere = named.is_some_and(|(url, own)| normalize(url) != normalize(own));
        Ok(Session { id, stored, is_elsewhere })
    }

    /// The agent id that the command line gives.
    pub(crate) fn named_agent(&self) -> Option<&AgentId> {
        self.global.agent_id.as_ref()
    }

    /// Who we are in a session: `--agent-id`, or the agent that joined from here. The stored key is used
    /// only for the agent that it belongs to.
    pub(crate) fn caller(&self, session: &Session) -> Result<Caller> {
        let stored = &session.stored;
        let named = self.global.agent_id.as_ref();
        let is_stored = named.is_none() || stored.agent.is_none() || named == stored.agent.as_ref();
        let agent = named.or(stored.agent.as_ref()).ok_or_else(missing_agent_id)?.clone();
        let key = if is_stored { self.key_of(session)? } else { None };
        let seal = Seal::stored(&self.state, &session.id, &agent)?.map(Arc::new);
        Ok(Caller { agent, key, secret: None, seal })
    }

    /// The stored key of a session. If the session is not bound to a server, the key belongs to the one
    /// that is used for it without `--url`.
    pub(crate) fn key_of(&self, session: &Session) -> Result<Option<Proof<SessionKey>>> {
        session.stored.proof(|| self.choose(Addresses::default()))
    }

    /// The server for a new session, or for a code.
    pub(crate) fn server(&self, link: Option<String>) -> Result<Server> {
        let flag = self.global.url.clone();
        self.choose(Addresses { flag, link, ..Addresses::default() })
    }

    /// The server to use for a session.
    pub(crate) fn server_of(&self, session: &Session) -> Result<Server> {
        self.server_of_address(session.stored.server.as_deref())
    }

    /// The server that the session is bound to. Options and environment count only if it is not bound.
    pub(crate) fn home_of(&self, session: &Session) -> Result<Server> {
        match session.stored.server.clone() {
            Some(binding) => Server::bound(binding),
            None => self.server(None),
        }
    }

    /// The server of a session or an address, whose own server is this one. Only the command line can name
    /// another.
    pub(crate) fn server_of_address(&self, own: Option<&str>) -> Result<Server> {
        let (flag, binding) = (self.global.url.clone(), own.map(str::to_owned));
        self.choose(Addresses { flag, binding, ..Addresses::default() })
    }

    /// Adds what the environment and the configuration say. The configuration is read only if it counts.
    fn choose(&self, named: Addresses) -> Result<Server> {
        let env = self.env_url.clone();
        let is_named =
            [&named.flag, &named.link, &named.binding, &env].iter().any(|url| url.is_some());
        let config = if is_named { None } else { self.state.config()?.server_url };
        Addresses { env, config, ..named }.choose()
    }

    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// Makes a request.
    pub(crate) fn call(&self, server: &Server, request: &Request<'_>) -> Result<Answer> {
        self.http.send(server, request)
    }
}

impl Context {
    /// As [`Self::call`], for what older servers cannot do. `what` completes "the server cannot ...".
    pub(crate) fn call_new(
        &self,
        server: &Server,
        request: &Request<'_>,
        what: &str,
    ) -> Result<Answer> {
        self.call(server, request).map_err(|failure| {
            let Failure::Refused(answer) = &failure else { return failure };
            let error = answer.error().error;
            let is_missing = matches!(answer.status, 405 | 501)
                || (answer.status == 404 && (error.is_empty() || error == "not_found"));
            if !is_missing {
                return failure;
            }
            let message = format!(
                "The server {} cannot {what}: its software is older than this command.",
                server.host()
            );
            Failure::own(Kind::Unsupported, message)
        })
    }
}

impl Session {
    /// A path below the session.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/sessions/{}{rest}", self.id)
    }

    /// Whether the stored state of the session belongs to this agent, or to none, at the server that is
    /// used. The cursor of another agent, or of another server, must not be used or moved.
    pub(crate) fn is_of(&self, caller: &Caller) -> bool {
        let stored = self.stored.agent.as_ref();
        !self.is_elsewhere && stored.is_none_or(|agent| *agent == caller.agent)
    }
}

impl Caller {
    /// Adds the caller and its proof to a request.
    pub(crate) fn sign<'a>(&'a self, request: Request<'a>) -> Request<'a> {
        let (key, secret) = (self.key.as_ref(), self.secret.as_ref());
        let seal = self.seal.as_deref();
        Request { agent: Some(&self.agent), key, secret, seal, ..request }
    }
}

/// The failure when no agent id is known.
pub(crate) fn missing_agent_id() -> Failure {
    let message = "Say who you are: add --as NAME (1 to 128 letters, digits, _ or -). nexus remembers it once you have joined.";
    Failure::own(Kind::MissingAgentId, message)
}
