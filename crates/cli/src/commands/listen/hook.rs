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
use serde_json::json;
use std::{env, fmt, time::Duration};

/// Where messages are posted.
pub(super) struct Hook {
    url: String,
    token: Option<String>,
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
    pub(super) fn new(
        url: &str,
        token: Option<String>,
        session_key: Option<String>,
    ) -> Result<Self> {
        let base = url.split(['?', '#']).next().unwrap_or_default();
        server::normalize(base)
            .map_err(|rule| Failure::own(Kind::InvalidUrl, format!("The URL of --hook {rule}.")))?;
        let token = token.or_else(|| env::var("NEXUS_HOOK_TOKEN").ok());
        let token = token.filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            let message = "The hook's token must consist of visible ASCII characters.";
            return Err(Failure::own(Kind::InvalidEnvironment, message));
        }
        Ok(Self { url: url.to_owned(), token, session_key })
    }

    /// Posts each message.
    pub(super) fn post(
        &self,
        context: &Context,
        source: &Source,
        items: &[Item],
    ) -> Result<Vec<u8>, Failed> {
        let failed = |why, wait| Failed { kind: Kind::HookFailed, why, wait };
        for item in items {
            let once = source.once(&item.message);
            let folder = source.folder(&context.state);
            let boundary = context.state.boundary(&folder, &once, random::hex());
            let boundary =
                boundary.map_err(|failure| failed(failure.sentence(), Duration::ZERO))?;
            let (body, token) = (self.body(source, item, &boundary), self.token.as_deref());
            let post = Post { url: &self.url, token, once: &once, body: &body };
            context.http().post_hook(&post).map_err(|refused| failed(refused.why, refused.wait))?;
        }
        Ok(Vec::new())
    }

    fn body(&self, source: &Source, item: &Item, boundary: &str) -> String {
        let content = envelope::content(&item.message);
        let (name, id) = source.name();
        let mut body = json!({
            "message": envelope::seal(&item.message, &source.whole_place(&item.message), boundary),
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
        body.to_string()
    }
}
