//! Requests whose response is not one JSON value: event streams, and posts to webhooks.

use super::{Http, Request, build};
use crate::{
    error::{Failure, Kind, Result},
    server::Server,
};
use std::io;
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

    /// Posts to a webhook. The error is a sentence that does not contain the token.
    pub(crate) fn post_hook(
        &self,
        url: &str,
        token: Option<&str>,
        body: &str,
    ) -> Result<(), String> {
        let mut request = http::Request::post(url).header("Content-Type", "application/json");
        if let Some(token) = token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let request = request.body(body).map_err(|error| format!("the hook: {error}"))?;
        let agent = self.agents.of(request.uri()).map_err(|failure| failure.sentence())?;
        match agent.run(request) {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(format!("the hook answered {}", answer.status().as_u16())),
            Err(error) => Err(format!("the hook did not answer: {error}")),
        }
    }
}
