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
    http::{Request, Response},
    platform,
};
use nexus_core::Result;
use std::{
    rc::Rc,
    task::{Context, Poll, Waker},
};
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{
    DurableObject, Env, State, WebSocket, WebSocketIncomingMessage, durable_object,
    wasm_bindgen_futures::future_to_promise,
};

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
                let request = Request::of(request.try_into()?);
                let id = request.id().to_owned();
                let made = self.0.respond(request).await.into_platform(&id);
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
            /// Answers a request that comes as text: its id, its head, and its body, if it has one.
            pub fn answer(&self, id: String, head: String, body: Option<Vec<u8>>) -> JsValue {
                let (object, request) = (Rc::clone(&self.0), Request::asked(id, head, body));
                at_once(async move { object.respond(request).await.into_reply() })
            }
        }
    };
}

class!(Session, session, "Members and key hashes, the message log, cursors, the TTL.");
class!(PairingIndex, pairing_index, "Codes -> sessions, single use, expiry.");
class!(Mailbox, mailbox, "Card and secret, inbox and what was sent, whom to hear.");
class!(Directory, directory, "Counters for `/v1/stats`, and who is listed in `/v1/agents`.");

/// What comes of some work: itself, where nothing had to be waited for, and otherwise a promise of it.
fn at_once(work: impl Future<Output = JsValue> + 'static) -> JsValue {
    let mut work = Box::pin(work);
    match work.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        // It is asked again from there, and then knows whom to wake.
        Poll::Pending => future_to_promise(async move { Ok(work.await) }).into(),
    }
}

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
