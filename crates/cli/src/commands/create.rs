//! `nexus create`

use crate::{
    context::{Context, agent_id},
    error::Result,
    http::{Repeat, Request},
    json::Json,
    output::{Done, tell},
    team::{self, ProfileArgs},
};
use clap::{Args, ValueEnum};
use nexus_protocol::{AgentId, CreateSession};
use serde_json::json;
use ureq::http::Method;

#[derive(Args)]
#[command(after_help = "Examples:
  nexus create --creator-agent-id alice --greeting 'Hello! Which day suits you?'
  SESSION=$(nexus create --creator-agent-id alice --ttl 3600 | jq -r .sessionId)
  nexus create --url http://localhost:8787 --max-agents 2 --creator-agent-id alice")]
pub(crate) struct Create {
    /// Seconds without activity after which the session ends
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u32>,
    /// Seats
    #[arg(long, value_name = "N")]
    max_agents: Option<u32>,
    /// What everyone reads first
    #[arg(long, value_name = "TEXT")]
    greeting: Option<String>,
    /// Who you are: you join at once, and stay until the end (--agent-id does the same)
    #[arg(long, value_name = "ID", value_parser = agent_id)]
    creator_agent_id: Option<AgentId>,
    /// Joining then needs it, and the session may live for 30 days; better given as `$NEXUS_TOKEN`
    #[arg(long, value_name = "TOKEN")]
    token: Option<String>,
    /// How others join: `link` lets in only those who have a link of `nexus pair`; default: also those
    /// who know the session's id
    #[arg(long, value_enum, value_name = "HOW")]
    join: Option<JoinBy>,
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
    pub(crate) fn run(self, context: &Context) -> Result<Done> {
        let creator = self.creator_agent_id.or_else(|| context.named_agent().cloned());
        let server = context.server(None)?;
        server.announce();
        context.state.check_writable()?;
        let ttl_is_default = self.ttl.is_none();
        let body = Json::of(&CreateSession {
            ttl: self.ttl,
            max_agents: self.max_agents,
            greeting: self.greeting,
            creator_agent_id: creator.clone(),
            token: team::token(self.token)?,
            profile: self.profile.profile(),
            ..CreateSession::default()
        });
        let body = self.join.map_or(body.clone(), |join| body.with(&join.field()));
        let request = Request::new(Method::PUT, "/v1/sessions", Repeat::Unseen);
        let answer = context.call(&server, &Request { body: Some(body), ..request })?;
        if ttl_is_default {
            tell!("the session has the server's default TTL; --ttl SECONDS sets another");
        }
        match &creator {
            Some(agent) => tell!("you are in it as {agent}; invite others with `nexus pair`"),
            None => tell!("you are not in it yet: `nexus join SESSION --agent-id ID`"),
        }
        context.keep_seat(answer, None, creator.as_ref(), &server)
    }
}
