//! The Durable Objects: clock, storage and alarm to `nexus-core`, and its answers to HTTP. No rules.

mod directory;
mod live;
mod mailbox;
mod mailbox_calls;
mod mailbox_live;
mod mailbox_opendialogue;
mod pairing_index;
mod session;
mod session_calls;
mod session_clawlink;
mod session_live;
mod session_team;
mod sockets;
mod webhooks;

use crate::{
    bridge::Exchange,
    http::{self, Request, Response},
    platform,
    waiting::{self, Outcome},
};
use nexus_core::Result;
use std::rc::Rc;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Env, State, WebSocket, web_sys, worker_sys::DurableObjectState};

/// What a class of objects is.
trait Class: 'static {
    fn new(state: State, env: Env) -> Self;

    async fn respond(&self, request: Request) -> Response;

    async fn alarm(&self) -> Result<()>;

    async fn received(&self, _end: WebSocket, _text: String) {}

    fn closed(&self, _end: &WebSocket, _code: u16) {}
}

/// A class as the platform calls it: `answer` with what is short, `fetch` with the rest.
macro_rules! class {
    ($class:ident, $module:ident, $about:literal) => {
        #[doc = $about]
        #[wasm_bindgen]
        pub struct $class(Rc<$module::$class>, Env);

        #[wasm_bindgen]
        impl $class {
            /// The object, when it is first asked something, or wakes.
            #[wasm_bindgen(constructor)]
            #[must_use]
            pub fn new(state: DurableObjectState, env: Env) -> Self {
                Self(Rc::new(Class::new(State::from(state), env.clone())), env)
            }

            /// Answers a request that comes as text: its head, and its body, if it has one.
            pub fn answer(&self, head: String, body: Option<Vec<u8>>) -> Outcome {
                let (object, request) = (Rc::clone(&self.0), Request::asked(head, body));
                let panics = platform::asks_for_panic(&request, &self.1, "object");
                waiting::begin(async move {
                    let response = object.respond(request).await;
                    platform::panic_if(panics);
                    Ok(response.into_reply())
                })
            }

            /// Answers a request as it came.
            pub fn fetch(&self, request: &web_sys::Request) -> Outcome {
                let object = Rc::clone(&self.0);
                let exchange = Exchange::new(request, &http::request_id());
                waiting::begin(async move {
                    object.respond(Request::of(&exchange)).await.into_platform(&exchange)
                })
            }

            /// Does what is due.
            pub fn alarm(&self) -> Outcome {
                let object = Rc::clone(&self.0);
                waiting::begin(async move {
                    let done = Class::alarm(&*object).await;
                    done.map_err(|_| "an alarm could not be set".into())
                        .map(|()| JsValue::UNDEFINED)
                })
            }

            /// Takes a frame of a client; of one that is not text, nothing is read.
            pub fn received(&self, end: web_sys::WebSocket, text: String) -> Outcome {
                let object = Rc::clone(&self.0);
                waiting::begin(async move {
                    Class::received(&*object, end.into(), text).await;
                    Ok(JsValue::UNDEFINED)
                })
            }

            /// Takes note that a client has closed its end.
            pub fn closed(&self, end: web_sys::WebSocket, code: u16) {
                Class::closed(&*self.0, &end.into(), code);
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
