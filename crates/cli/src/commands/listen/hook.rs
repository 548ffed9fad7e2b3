//! `--hook`: posting messages to the webhook of an agent gateway.

use super::{
    item::{Failed, Item},
    source::Source,
};
use crate::{
    envelope,
    error::{Failure, Kind, Result},
    http::Http,
    server,
};
use serde_json::json;
use std::{env, fmt};

/// Where messages are posted.
pub(super) struct Hook {
    url: String,
    token: Option<String>,
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Hook {
    /// Refuses an invalid URL. The token may come from the environment.
    pub(super) fn new(url: &str, token: Option<String>) -> Result<Self> {
        let base = url.split(['?', '#']).next().unwrap_or_default();
        server::normalize(base)
            .map_err(|rule| Failure::own(Kind::InvalidUrl, format!("The URL of --hook {rule}.")))?;
        let token = token.or_else(|| env::var("NEXUS_HOOK_TOKEN").ok());
        let token = token.filter(|token| !token.is_empty());
        if token.as_ref().is_some_and(|token| !token.bytes().all(|byte| byte.is_ascii_graphic())) {
            let message = "The hook's token must consist of visible ASCII characters.";
            return Err(Failure::own(Kind::InvalidEnvironment, message));
        }
        Ok(Self { url: url.to_owned(), token })
    }

    /// Posts each message.
    pub(super) fn post(
        &self,
        http: &Http,
        source: &Source,
        items: &[Item],
    ) -> Result<Vec<u8>, Failed> {
        for item in items {
            let content = envelope::content(&item.message);
            let (name, id) = source.name();
            let mut body = json!({
                "message": envelope::wrap(&item.message, &source.place(&item.message)),
                "name": "Nexus",
                "sessionKey": source.talk(&item.message),
                "wakeMode": "now",
                "metadata": {
                    "from_agent_id": envelope::clean_line(item.message.author()),
                    "verified": item.message.verified,
                    "urls": envelope::urls(&content),
                    "content_length": content.chars().count(),
                },
            });
            if let Some(metadata) = body.get_mut("metadata").and_then(|value| value.as_object_mut())
            {
                metadata.insert(name.to_owned(), id);
            }
            http.post_hook(&self.url, self.token.as_deref(), &body.to_string())
                .map_err(|why| Failed { kind: Kind::HookFailed, why })?;
        }
        Ok(Vec::new())
    }
}
