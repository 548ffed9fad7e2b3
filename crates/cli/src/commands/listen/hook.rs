//! `--hook`: posting messages to the webhook of an agent gateway.

use super::{
    item::{Failed, Item},
    source::Source,
};
use crate::{
    context::Context,
    envelope,
    error::{Failure, Kind, Result},
    http::Post,
    random, server,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::{env, fmt, time::Duration};

/// The options of a webhook, beside its address.
#[derive(Args, Clone)]
pub(super) struct HookArgs {
    /// Post each message, in an envelope, to the webhook of an agent gateway
    #[arg(long, value_name = "URL")]
    pub(super) hook: Option<String>,
    /// The token of the webhook, or the password of an opencode server. Better set `$NEXUS_HOOK_TOKEN`, which other
    /// users cannot see
    #[arg(long, value_name = "TOKEN", requires = "hook")]
    hook_token: Option<String>,
    /// The form of the posts; default: by the path of the address
    #[arg(long, value_name = "FORM", requires = "hook")]
    hook_format: Option<Form>,
    /// The agent of the gateway that is to read the messages: give it one with few tools. Default: its own choice
    #[arg(long, value_name = "NAME", requires = "hook")]
    hook_agent: Option<String>,
    /// Let the gateway keep one conversation for all messages of a session, or one named KEY, instead of beginning
    /// anew with each. The gateway must allow it. An opencode server keeps the one that its address names
    #[arg(long, value_name = "KEY", requires = "hook", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    hook_session_key: Option<String>,
}

/// The form of the posts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// `/hooks/agent` of `OpenClaw`
    Openclaw,
    /// `/session/ID/prompt_async` of an opencode server
    Opencode,
}

impl Form {
    /// The form for an address without query.
    fn of(address: &str) -> Self {
        if address.ends_with("/prompt_async") { Self::Opencode } else { Self::Openclaw }
    }
}

/// Where messages are posted, and how.
pub(super) struct Hook {
    url: String,
    form: Form,
    token: Option<String>,
    /// The header that shows the token.
    authorization: Option<String>,
    agent: Option<String>,
    /// The gateway's session in which all messages are handled. Empty: one for each session or conversation here.
    session_key: Option<String>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Hook {
    /// Refuses an invalid URL. The token may come from the environment.
    pub(super) fn new(url: &str, given: &HookArgs) -> Result<Self> {
        let base = url.split(['?', '#']).next().unwrap_or_default();
        server::normalize(base)
            .map_err(|rule| Failure::own(Kind::InvalidUrl, format!("The URL of --hook {rule}.")))?;
        let form = given.hook_format.unwrap_or_else(|| Form::of(base));
        if form == Form::Opencode && given.hook_session_key.is_some() {
            let message = "An opencode server keeps the conversation that the URL of --hook names: leave --hook-session-key out.";
            return Err(Failure::own(Kind::Usage, message));
        }
        let token = given.hook_token.clone().or_else(|| env::var("NEXUS_HOOK_TOKEN").ok());
        let token = token.filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            let message = "The hook's token must consist of visible ASCII characters.";
            return Err(Failure::own(Kind::InvalidEnvironment, message));
        }
        let authorization = token.as_ref().map(|token| match form {
            Form::Openclaw => format!("Bearer {token}"),
            Form::Opencode => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("opencode:{token}")))
            }
        });
        let (agent, session_key) = (given.hook_agent.clone(), given.hook_session_key.clone());
        Ok(Self { url: url.to_owned(), form, token, authorization, agent, session_key })
    }

    /// Posts each message.
    pub(super) fn post(
        &self,
        context: &Context,
        source: &Source,
        items: &[Item],
    ) -> Result<Vec<u8>, Failed> {
        let failed = |why, wait| Failed { kind: Kind::HookFailed, why, wait };
        self.check_agent(context).map_err(|why| failed(why, Duration::ZERO))?;
        for item in items {
            let once = source.once(&item.message);
            let folder = source.folder(&context.state);
            let boundary = context.state.boundary(&folder, &once, random::hex());
            let boundary =
                boundary.map_err(|failure| failed(failure.sentence(), Duration::ZERO))?;
            let body = self.body(source, item, &boundary).to_string();
            let (token, authorization) = (self.token.as_deref(), self.authorization.as_deref());
            let post = Post { url: &self.url, authorization, token, once: &once, body: &body };
            context.http().post_hook(&post).map_err(|refused| failed(refused.why, refused.wait))?;
        }
        Ok(Vec::new())
    }

    /// An opencode server takes a prompt for an agent that it does not have, and drops it. So it is asked first.
    fn check_agent(&self, context: &Context) -> Result<(), String> {
        let (Form::Opencode, Some(agent)) = (self.form, &self.agent) else { return Ok(()) };
        let Some((server, _)) = self.url.split_once("/session/") else { return Ok(()) };
        let url = format!("{server}/agent");
        let Some(agents) = context.http().ask_gateway(&url, self.authorization.as_deref()) else {
            // The post tells what is wrong.
            return Ok(());
        };
        let mut names = agents.as_array().into_iter().flatten().map(|agent| &agent["name"]);
        let is_there = !agents.is_array() || names.any(|name| name == agent.as_str());
        let missing = || format!("the opencode server has no agent `{agent}` (--hook-agent)");
        is_there.then_some(()).ok_or_else(missing)
    }

    fn body(&self, source: &Source, item: &Item, boundary: &str) -> Value {
        let text = envelope::seal(&item.message, &source.whole_place(&item.message), boundary);
        let (mut body, agent) = match self.form {
            Form::Openclaw => (self.wake(source, item, &text), "agentId"),
            Form::Opencode => (json!({ "parts": [{ "type": "text", "text": text }] }), "agent"),
        };
        if let (Some(name), Some(fields)) = (&self.agent, body.as_object_mut()) {
            fields.insert(agent.to_owned(), name.as_str().into());
        }
        body
    }

    fn wake(&self, source: &Source, item: &Item, text: &str) -> Value {
        let content = envelope::content(&item.message);
        let (name, id) = source.name();
        let mut body = json!({
            "message": text,
            "name": "Nexus",
            "wakeMode": "now",
            "metadata": {
                "from_agent_id": envelope::clean_line(item.message.author()),
                "verified": item.message.verified,
                "urls": envelope::urls(&content),
                "content_length": content.chars().count(),
                name: id,
            },
        });
        if let (Some(key), Some(fields)) = (&self.session_key, body.as_object_mut()) {
            let key = if key.is_empty() { source.talk(&item.message) } else { key.clone() };
            fields.insert("sessionKey".to_owned(), key.into());
            // Without it the key only puts runs in order.
            fields.insert("sessionMode".to_owned(), "persistent".into());
        }
        body
    }
}
