//! The Durable Objects: clock, storage and alarm to `nexus-core`, and its answers to HTTP. No rules.

mod directory;
mod live;
mod mailbox;
mod mailbox_calls;
mod mailbox_live;
mod mailbox_opendialogue;
mod pairing_index;
mod session;
mod session_clawlink;
mod session_live;
mod session_team;
mod sockets;
mod webhooks;

use crate::{
    bridge::Exchange,
    http::{self, Request, Response},
    platform, waiting,
};
use nexus_core::Result;
use std::rc::Rc;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{DurableObject, Env, State, WebSocket, WebSocketIncomingMessage, durable_object};

/// What a class of objects is.
trait Class: 'static {
    fn new(state: State, env: Env) -> Self;

    async fn respond(&self, request: Request) -> Response;

    async fn alarm(&self) -> worker::Result<worker::Response>;

    async fn received(&self, _end: WebSocket, _message: WebSocketIncomingMessage) {}

    fn closed(&self, _end: &WebSocket, _code: usize) {}
}

/// A class as the platform calls it: `answer` with what is short, `fetch` with the rest.
macro_rules! class {
    ($class:ident, $module:ident, $about:literal) => {
        #[doc = $about]
        #[durable_object]
        pub struct $class(Rc<$module::$class>);

        impl DurableObject for $class {
            fn new(state: State, env: Env) -> Self {
                Self(Rc::new(Class::new(state, env)))
            }

            async fn fetch(&self, request: worker::Request) -> worker::Result<worker::Response> {
                let exchange = Exchange::new(&request.try_into()?, &http::request_id());
                let answer = self.0.respond(Request::of(&exchange)).await;
                let made = answer.into_platform(&exchange);
                made.map(Into::into).map_err(|_| "an answer could not be made".into())
            }

            async fn alarm(&self) -> worker::Result<worker::Response> {
                Class::alarm(&*self.0).await
            }

            async fn websocket_message(
                &self,
                end: WebSocket,
                message: WebSocketIncomingMessage,
            ) -> worker::Result<()> {
                Class::received(&*self.0, end, message).await;
                Ok(())
            }

            async fn websocket_close(
                &self,
                end: WebSocket,
                code: usize,
                _reason: String,
                _was_clean: bool,
            ) -> worker::Result<()> {
                Class::closed(&*self.0, &end, code);
                Ok(())
            }

            async fn websocket_error(
                &self,
                _end: WebSocket,
                _error: worker::Error,
            ) -> worker::Result<()> {
                Ok(())
            }
        }

        #[wasm_bindgen]
        impl $class {
            /// Answers a request that comes as text: its head, and its body, if it has one.
            pub fn answer(&self, head: String, body: Option<Vec<u8>>) -> Result<JsValue, JsValue> {
                let (object, request) = (Rc::clone(&self.0), Request::asked(head, body));
                waiting::begin(async move { Ok(object.respond(request).await.into_reply()) })
            }
        }
    };
}

class!(Session, session, "Members and key hashes, the message log, cursors, the TTL.");
class!(PairingIndex, pairing_index, "Codes -> sessions, single use, expiry.");
class!(Mailbox, mailbox, "Card and secret, inbox and what was sent, whom to hear.");
class!(Directory, directory, "Counters for `/v1/stats`, and who is listed in `/v1/agents`.");

/// With the variable `DIAGNOSTICS`, an answer tells how many rows this instance has written so far,
/// and how many session objects it has built.
fn with_diagnostics(env: &Env, response: Response) -> Result<Response> {
    if !platform::has_diagnostics(env)? {
        return Ok(response);
    }
    Ok(response
        .with("X-Rows-Written", platform::rows_written().to_string())
        .with("X-Objects-Built", platform::objects_built().to_string()))
}
