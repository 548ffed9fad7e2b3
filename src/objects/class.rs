//! What a class of objects is, and what its answers have in common.

use crate::{
    http::{self, Request, Response},
    platform,
};
use nexus_core::Result;
use worker::{Env, WebSocket};

/// An object of one class: asked by requests, woken by its alarm, sent frames by its sockets.
pub(crate) trait Class: 'static {
    /// Answers a request.
    async fn respond(&self, request: Request) -> Response;

    /// Names a request that comes to the object as its client has sent it.
    fn request_id(&self) -> String {
        http::request_id()
    }

    /// Does what is due.
    async fn alarm(&self) -> Result<()>;

    /// Takes a frame of a client's.
    async fn received(&self, _end: WebSocket, _text: String) {}

    /// Takes note that a client has closed its end.
    fn closed(&self, _end: &WebSocket, _code: u16) {}
}

/// With the variable `DIAGNOSTICS`, an answer tells how many rows this instance has written so far,
/// and how many session objects it has built.
pub(crate) fn with_diagnostics(env: &Env, response: Response) -> Result<Response> {
    if !platform::has_diagnostics(env)? {
        return Ok(response);
    }
    Ok(response
        .with("X-Rows-Written", platform::rows_written().to_string())
        .with("X-Objects-Built", platform::objects_built().to_string()))
}
