//! Requests to others than servers of the protocol, and event streams.

use super::{Http, MAX_WAIT, Request, build};
use crate::{
    error::{Failure, Kind, Result},
    harmless,
    server::Server,
};
use serde_json::Value;
use std::{
    io::{self, Read},
    time::Duration,
};
use ureq::http;

impl Http {
    /// Opens a stream of server-sent events. The time limit covers only its opening, since its body does
    /// not end.
    pub(crate) fn stream(
        &self,
        server: &Server,
        request: &Request<'_>,
    ) -> Result<impl io::Read + use<>> {
        let built = build(server, request, "text/event-stream", ())?;
        let agent = self.agents.of(built.uri())?;
        let built = agent.configure_request(built).timeout_global(None);
        let limit = Some(self.limit);
        let built =
            built.timeout_resolve(limit).timeout_connect(limit).timeout_recv_response(limit);
        let response = agent.run(built.build()).map_err(|error| self.failed(server, error))?;
        let kind = response.headers().get("Content-Type").and_then(|kind| kind.to_str().ok());
        if response.status() == 200
            && kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
        {
            return Ok(response.into_body().into_reader());
        }
        self.read(server, response).and_then(|_| {
            let message = format!("{} did not answer with an event stream.", server.host());
            Err(Failure::own(Kind::NonJsonResponse, message))
        })
    }

    /// Asks the gateway of a webhook for something beside it. `None` if it does not answer with JSON.
    pub(crate) fn ask_gateway(&self, url: &str, authorization: Option<&str>) -> Option<Value> {
        let request = http::Request::get(url).header("Accept", "application/json");
        let request = match authorization {
            Some(authorization) => request.header("Authorization", authorization),
            None => request,
        };
        let request = request.body(()).ok()?;
        let agent = self.agents.of(request.uri()).ok()?;
        let mut answer = agent.run(request).ok().filter(|answer| answer.status().is_success())?;
        let body = answer.body_mut().with_config().limit(LISTED).read_to_vec().ok()?;
        serde_json::from_slice(&body).ok()
    }

    /// Asks a registry of packages. An error completes the sentence "it failed:".
    pub(crate) fn ask_registry(&self, url: &str) -> Result<Value, String> {
        let request = http::Request::get(url).header("Accept", "application/json");
        let request = request.body(()).map_err(|error| error.to_string())?;
        let agent = self.agents.of(request.uri()).map_err(|failure| failure.sentence())?;
        let mut answer = agent.run(request).map_err(|error| error.to_string())?;
        // What it does not know has no version.
        if answer.status().as_u16() == 404 {
            return Ok(Value::Null);
        }
        if !answer.status().is_success() {
            return Err(format!("it answered with status {}", answer.status().as_u16()));
        }
        let body = answer.body_mut().with_config().limit(LISTED).read_to_vec();
        let body = body.map_err(|error| error.to_string())?;
        serde_json::from_slice(&body).map_err(|_| "it did not answer with JSON".to_owned())
    }

    /// Posts to a webhook.
    pub(crate) fn post_hook(&self, post: &Post<'_>) -> Result<(), Refused> {
        let lost = |why: String| Refused { why, wait: Duration::ZERO };
        let mut request = http::Request::post(post.url)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", post.once);
        if let Some(authorization) = post.authorization {
            request = request.header("Authorization", authorization);
        }
        let request =
            request.body(post.body).map_err(|error| lost(format!("the hook: {error}")))?;
        let agent = self.agents.of(request.uri()).map_err(|failure| lost(failure.sentence()))?;
        let mut answer = match agent.run(request) {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => answer,
            Err(error) => return Err(lost(format!("the hook did not answer: {error}"))),
        };
        let status = answer.status().as_u16();
        let wait = answer.headers().get("Retry-After").and_then(|wait| wait.to_str().ok());
        let wait = wait
            .and_then(|wait| wait.trim().parse().ok())
            .map_or(Duration::ZERO, Duration::from_secs);
        let mut said = Vec::new();
        // A sentence that breaks off is better than none.
        let _ = answer.body_mut().as_reader().take(READ).read_to_end(&mut said);
        let said = sentence(&String::from_utf8_lossy(&said), post.token);
        let said = if said.is_empty() { String::new() } else { format!(": {said}") };
        let why = format!("the hook answered {status}{said}");
        Err(Refused { why, wait: wait.min(MAX_WAIT) })
    }
}

/// How many bytes of a refusal are read, and how many characters are shown.
const READ: u64 = 8192;
const SHOWN: usize = 300;

/// The longest list of a gateway that is read.
const LISTED: u64 = 16 << 20;

/// A post to a webhook.
#[derive(Clone, Copy)]
pub(crate) struct Post<'a> {
    pub(crate) url: &'a str,
    /// The header that shows the token.
    pub(crate) authorization: Option<&'a str>,
    /// What must not be shown of an answer.
    pub(crate) token: Option<&'a str>,
    /// The `Idempotency-Key`.
    pub(crate) once: &'a str,
    pub(crate) body: &'a str,
}

/// Why a webhook did not take a post.
#[derive(Debug)]
pub(crate) struct Refused {
    /// A sentence that does not contain the token.
    pub(crate) why: String,
    /// How long it asks us to wait.
    pub(crate) wait: Duration,
}

/// What a refusal says, on one line: its sentence, if it is JSON.
fn sentence(body: &str, token: Option<&str>) -> String {
    let json = serde_json::from_str::<Value>(body).ok();
    let text = json.as_ref().and_then(|json| {
        let paths = ["/error/message", "/message", "/error"];
        paths.iter().find_map(|path| json.pointer(path)?.as_str())
    });
    let text = text.unwrap_or(body);
    // A gateway may quote what it was sent.
    let text = token.map_or_else(|| text.to_owned(), |token| text.replace(token, "[token]"));
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    harmless::line(&text.chars().take(SHOWN).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_of_a_refusal_is_shown_and_nothing_else() {
        let told = |body: &str| sentence(body, Some("s3cret"));
        assert_eq!(told(r#"{"ok":false,"error":"set hooks.x=true"}"#), "set hooks.x=true");
        assert_eq!(told(r#"{"error":{"message":"no"},"message":"other"}"#), "no");
        assert_eq!(told(" Not\n found\u{1b}[2J "), "Not found\\u001b[2J");
        assert_eq!(told("bad token s3cret"), "bad token [token]");
        assert_eq!(told(&"x".repeat(1000)).len(), SHOWN);
        assert_eq!(told(""), "");
    }
}
