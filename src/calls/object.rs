//! How an object is asked: with a client's request, or with a call.

use crate::{
    bridge,
    http::{self, Request, Response},
    platform::{self, fault},
    router::Method,
    waiting,
};
use js_sys::Promise;
use nexus_core::{Error, Fault, Result};
use nexus_protocol::{ErrorBody, ErrorCode, LimitKind, Refusal, Region};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};
use worker::{Env, WebSocket, web_sys};

/// Bytes of a body that are handed on at once; what is longer is read by the object, if it wants it.
const MOST_AT_ONCE: usize = 256 * 1024;

/// A call to an object.
pub(crate) trait Call: Serialize + DeserializeOwned {
    /// The binding of the object's class.
    const BINDING: &'static str;
    /// The name of the call.
    const NAME: &'static str;
    /// What it answers.
    type Answer: Serialize + DeserializeOwned;

    /// Where the object is to live, if the call says. It counts if nobody has asked the object before.
    fn region(&self) -> Option<Region> {
        None
    }
}

/// An object, to be asked.
pub(crate) struct Object(JsValue);

impl Object {
    /// The object `name` of a class; in the jurisdiction that the variable `JURISDICTION` names, if it does. One
    /// that nobody has asked before begins to live in `region`, or near who asks.
    pub(crate) fn named(
        env: &Env,
        binding: &'static str,
        name: &str,
        region: Option<Region>,
    ) -> Result<Self> {
        Self::in_place(env, binding, &platform::jurisdiction(env)?, name, region)
    }

    fn in_place(
        env: &Env,
        binding: &'static str,
        place: &JsValue,
        name: &str,
        region: Option<Region>,
    ) -> Result<Self> {
        // A jurisdiction is one place.
        let hint = region.filter(|_| place.is_falsy()).map(Region::hint);
        let stub =
            bridge::with_constant(binding, |binding| bridge::stub(env, binding, place, name, hint));
        stub.map(Self).map_err(|error| fault(error.into()))
    }

    /// Hands a client's request to it as it came, and the answer back as it was made.
    pub(crate) async fn forward(&self, request: &Request) -> Result<Response> {
        let reply = request.exchange()?.forward(&self.0, MOST_AT_ONCE);
        let reply = settled(reply).await?;
        if reply.is_null() {
            return Err(http::broken_off());
        }
        Ok(Response::reply(reply))
    }

    /// Asks it, with a request that no client has sent: a line with its id, the method and the URL, then one
    /// for each header.
    pub(crate) async fn ask(&self, head: &str, body: &str) -> Result<Response> {
        Ok(Response::reply(settled(bridge::ask(&self.0, head, body)).await?))
    }

    /// The same, for the body of a success of `what`; a refusal comes back as it was made.
    pub(crate) async fn outcome(&self, head: &str, body: &str, what: &str) -> Result<String> {
        outcome(head, &self.ask(head, body).await?, what).await
    }

    /// Calls it by this name. Returns the text of its answer.
    pub(super) async fn called(&self, name: &str, body: &str) -> Result<String> {
        let url = format!("https://object/internal/{name}");
        self.outcome(&http::head_of(Method::Post, &url, []), body, name).await
    }

    /// Asks it for a socket, with the head of a request. Gives it, or what was answered instead.
    pub(crate) async fn open(
        &self,
        head: &str,
    ) -> Result<std::result::Result<WebSocket, Response>> {
        let answer = settled(bridge::open(&self.0, head)).await?;
        let response = worker::Response::from(answer.clone().unchecked_into::<web_sys::Response>());
        if response.status_code() != 101 {
            return Ok(Err(Response::reply(answer)));
        }
        let socket = response.websocket();
        Ok(Ok(socket.ok_or_else(|| Fault::new("an object opened no socket"))?))
    }
}

/// The body of an answer that is a success of `what`, which this head asked for; a refusal comes back as it was made.
pub(crate) async fn outcome(head: &str, answer: &Response, what: &str) -> Result<String> {
    let (status, text) = (answer.status(), answer.read().await?);
    if (200..300).contains(&status) {
        return Ok(text);
    }
    let body: Box<ErrorBody> = serde_json::from_str(&text)
        .map_err(|_| Fault::new(format!("the answer to {what} cannot be read")))?;
    if body.error == ErrorCode::InternalError {
        let (id, _) = head.split_once(' ').unwrap_or_default();
        return Err(Fault::new(format!("{what} failed, see request id {id}")).into());
    }
    let retry_after = answer.header("Retry-After").and_then(|seconds| seconds.parse().ok());
    let hit = answer.header(http::LIMIT).and_then(LimitKind::named);
    Err(Error::Refused(Refusal { status, body, retry_after, allow: None, hit }))
}

async fn settled(promise: std::result::Result<Promise, JsValue>) -> Result<JsValue> {
    let settled = match promise {
        Ok(promise) => waiting::outcome(promise).await,
        Err(error) => Err(error),
    };
    settled.map_err(|error| fault(error.into()))
}

/// Calls the object `name`. A refusal comes back as it was made; where there is none, but also no
/// answer, whether the call happened is not known.
pub(crate) async fn call<C: Call>(env: &Env, name: &str, call: &C) -> Result<C::Answer> {
    let body = serde_json::to_string(call).map_err(Fault::new)?;
    let object = Object::named(env, C::BINDING, name, call.region())?;
    answered::<C>(&object.called(C::NAME, &body).await?)
}

/// Reads what was answered to a call.
pub(super) fn answered<C: Call>(answer: &str) -> Result<C::Answer> {
    Ok(serde_json::from_str(answer)
        .map_err(|_| Fault::new(format!("the answer to {} cannot be read", C::NAME)))?)
}

/// The name of the call that a request to an object is, if it is one.
pub(crate) fn name(path: &str) -> Option<&str> {
    path.strip_prefix("/internal/")
}

/// What a call takes, in the object that is called.
pub(crate) async fn read<C: Call>(request: &Request) -> Result<C> {
    let body = request.body(usize::MAX).await?.unwrap_or_default();
    // Without the parser's own words, which can quote what was sent.
    let unreadable = |_| Fault::new(format!("what {} was given cannot be read", C::NAME));
    Ok(serde_json::from_str(std::str::from_utf8(&body).map_err(Fault::new)?).map_err(unreadable)?)
}

/// What a call answers. `C` names the call, so that an answer of another type does not compile.
pub(crate) fn reply<C: Call>(answer: &C::Answer) -> Result<Response> {
    http::json(200, answer)
}

#[cfg(all(test, target_arch = "wasm32"))]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test]
    fn objects_live_where_the_deployment_says() {
        let make = js_sys::Function::new_no_args(
            "class DurableObjectNamespace {
                constructor(place) { this.place = place }
                jurisdiction(name) { return new DurableObjectNamespace(name) }
                getByName(name, hint) { return { name: `${this.place}/${name}/${hint?.locationHint}` } }
            }
            return { SESSION: new DurableObjectNamespace('anywhere') }",
        );
        for (jurisdiction, region, expected) in [
            ("", None, "anywhere/x/undefined"),
            ("", Some(Region::Weur), "anywhere/x/weur"),
            ("eu", None, "eu/x/undefined"),
            ("eu", Some(Region::Oc), "eu/x/undefined"),
        ] {
            let env = make.call0(&JsValue::NULL).unwrap();
            let place =
                if jurisdiction.is_empty() { JsValue::UNDEFINED } else { jurisdiction.into() };
            let Object(stub) =
                Object::in_place(env.unchecked_ref(), "SESSION", &place, "x", region).unwrap();
            let name = js_sys::Reflect::get(&stub, &"name".into()).unwrap();
            assert_eq!(name.as_string().as_deref(), Some(expected));
        }
    }
}
