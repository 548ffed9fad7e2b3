//! `nexus create`

use super::alias;
use crate::{
    context::{Context, agent_id},
    duration,
    error::{Failure, Kind, Result},
    http::{Repeat, Request},
    json::Json,
    output::Done,
    seal::NewSeal,
    stderr::tell,
    team::{self, ProfileArgs},
};
use clap::{Args, ValueEnum};
use nexus_protocol::{AgentId, CreateSession};
use serde_json::json;
use ureq::http::Method;

#[derive(Args, Default)]
#[command(after_help = "Examples:
  nexus create --creator-agent-id alice --greeting 'Hello! Which day suits you?'
  SESSION=$(nexus create --creator-agent-id alice --ttl 1h --jq .sessionId)
  nexus create --creator-agent-id alice --alias dentist --encrypt
  nexus create --url http://localhost:8787 --max-agents 2 --creator-agent-id alice")]
pub(crate) struct Create {
    /// How long without activity the session lives: 90s, 30m, 24h; a bare number counts seconds
    #[arg(long, value_name = "TIME", value_parser = duration::seconds)]
    pub(super) ttl: Option<u32>,
    /// The most members
    #[arg(long, value_name = "N")]
    max_agents: Option<u32>,
    /// The first message, which everybody reads
    #[arg(long, value_name = "TEXT")]
    greeting: Option<String>,
    /// Your agent id: you join at once, and cannot leave before the end (--agent-id does the same)
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    creator_agent_id: Option<AgentId>,
    /// A token that joining requires; the session may then live for 30 days. Better set `$NEXUS_TOKEN`
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// How others join: `link` admits only agents with a link of `nexus pair`. By default, the session's id
    /// also admits them
    #[arg(long, value_enum, value_name = "HOW")]
    join: Option<JoinBy>,
    /// Keep back on the pages of links who invites and what the greeting says
    #[arg(long)]
    pub(super) no_preview: bool,
    /// Encrypt the session end to end: the relay cannot read it, and its links end with a key
    #[arg(long, visible_alias = "sealed", overrides_with = "no_encrypt")]
    pub(super) encrypt: bool,
    /// Do not encrypt it, whatever `nexus config set sealed` says
    #[arg(long)]
    pub(super) no_encrypt: bool,
    /// An alias for the session on this machine
    #[arg(long, value_name = "NAME", value_parser = alias::name)]
    pub(super) alias: Option<String>,
    #[command(flatten)]
    profile: ProfileArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum JoinBy {
    Link,
}

impl JoinBy {
    /// The field of the request.
    fn field(self) -> Json {
        match self {
            Self::Link => Json::of(&json!({ "join": "link" })),
        }
    }
}

impl Create {
    /// A session about something, in which this agent is. Others need a link.
    pub(super) fn about(greeting: Option<String>, creator: AgentId) -> Self {
        Self {
            greeting,
            creator_agent_id: Some(creator),
            join: Some(JoinBy::Link),
            ..Self::default()
        }
    }

    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        if self.ttl.is_none() {
            tell!("the session has the server's default TTL; --ttl TIME sets another");
        }
        let creator = self.creator_agent_id.clone().or_else(|| context.named_agent().cloned());
        let done = self.make(context)?;
        match &creator {
            Some(agent) => tell!("you are in it as {agent}; make a link with `nexus pair`"),
            None => tell!("you are not in it yet: `nexus join SESSION --agent-id ID`"),
        }
        Ok(done)
    }

    /// Creates the session.
    pub(super) fn make(self, context: &Context) -> Result<Done> {
        let creator = self.creator_agent_id.or_else(|| context.named_agent().cloned());
        if creator.is_none() && self.join.is_some() {
            let message = "With --join link, say who you are: add --creator-agent-id ID. Nobody else could make a link.";
            return Err(Failure::own(Kind::Usage, message));
        }
        let server = context.server(None)?;
        server.announce();
        context.state.check_writable()?;
        let is_encrypted = self.encrypt || (!self.no_encrypt && context.state.config()?.sealed);
        let new = match (is_encrypted, &creator) {
            (false, _) => None,
            (true, Some(creator)) => Some(NewSeal::draw(context, &server, creator)?),
            (true, None) => {
                let message = "An encrypted session needs its creator: add --creator-agent-id ID, or --no-encrypt.";
                return Err(Failure::own(Kind::Usage, message));
            }
        };
        let (greeting, redacted) = match (&new, self.greeting) {
            (Some(new), Some(greeting)) => new.greeting(greeting)?,
            (_, greeting) => (greeting, Vec::new()),
        };
        let body = Json::of(&CreateSession {
            ttl: self.ttl,
            max_agents: self.max_agents,
            greeting,
            encryption: new.as_ref().map(NewSeal::encryption),
            creator_agent_id: creator.clone(),
            token: team::token(self.token)?,
            preview: self.no_preview.then_some(false),
            profile: self.profile.profile(),
            ..CreateSession::default()
        });
        let body = self.join.map_or(body.clone(), |join| body.with(&join.field()));
        let request = Request::new(Method::PUT, "/v1/sessions", Repeat::Unseen);
        let answer = context.call(&server, &Request { body: Some(body), ..request })?;
        let answer = match &new {
            Some(new) => new.keep(context, answer, &server, &redacted)?,
            None => answer,
        };
        let done = context.keep_seat(answer, None, creator.as_ref(), &server)?;
        alias::give_to(context, self.alias, &done);
        Ok(done)
    }
}
