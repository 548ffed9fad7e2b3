//! The Durable Objects: clock, storage and alarm to `nexus-core`, and its answers to HTTP. No rules.

mod class;
pub(crate) mod dialect;
mod directory;
pub(crate) mod live;
pub(crate) mod mailbox;
mod mailbox_calls;
pub(crate) mod mailbox_live;
mod pairing_index;
pub(crate) mod present;
pub(crate) mod session;
mod session_calls;
pub(crate) mod session_live;
mod session_team;
pub(crate) mod sockets;
mod webhooks;

use crate::{
    bridge::Exchange,
    dialects,
    http::Request,
    platform,
    waiting::{self, Outcome},
};
use class::Class;
use std::rc::Rc;
use wasm_bindgen::{JsValue, prelude::wasm_bindgen};
use worker::{Env, State, web_sys, worker_sys::DurableObjectState};

/// A class as the platform calls it: `answer` with what is short, `fetch` with the rest.
macro_rules! class {
    ($class:ident, $module:ident, $about:literal $(, $dialects:expr)?) => {
        #[doc = $about]
        #[wasm_bindgen]
        pub struct $class(Rc<$module::$class>, Env);

        #[wasm_bindgen]
        impl $class {
            /// The object, when it is first asked something, or wakes.
            #[wasm_bindgen(constructor)]
            #[must_use]
            pub fn new(state: DurableObjectState, env: Env) -> Self {
                let object = $module::$class::new(State::from(state), env.clone() $(, $dialects)?);
                Self(Rc::new(object), env)
            }

            /// Answers a request that comes as text: its head, and its body, if it has one.
            pub fn answer(&self, head: String, body: Option<Vec<u8>>) -> Outcome {
                let (object, request) = (Rc::clone(&self.0), Request::asked(head, body));
                let panics = platform::asks_for_panic(request.header(platform::PANIC), &self.1, "object");
                waiting::begin(async move {
                    let response = object.respond(request).await;
                    platform::panic_if(panics);
                    Ok(response.into_reply())
                })
            }

            /// Answers a request as it came.
            pub fn fetch(&self, request: &web_sys::Request) -> Outcome {
                let object = Rc::clone(&self.0);
                let exchange = Exchange::new(request, &object.request_id());
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

            /// The most bytes of a frame, as of a body. None longer is handed over.
            #[wasm_bindgen(js_name = mostFrame)]
            pub fn most_frame(&self) -> Result<f64, JsValue> {
                let limits = platform::limits(&self.1);
                let most = limits.map_err(|_| JsValue::from("the limits cannot be read"))?;
                // Exact below 2^53.
                #[allow(clippy::cast_precision_loss, reason = "see above")]
                Ok(most.max_body_bytes() as f64)
            }

            /// Takes a frame of a client.
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

class!(
    Session,
    session,
    "Members and key hashes, the message log, cursors, the TTL.",
    dialects::OF_SESSIONS
);
class!(PairingIndex, pairing_index, "Codes -> sessions, single use, expiry.");
class!(
    Mailbox,
    mailbox,
    "Card and secret, inbox and what was sent, whom to hear.",
    dialects::OF_MAILBOXES
);
class!(Directory, directory, "Counters for `/v1/stats`, and who is listed in `/v1/agents`.");
