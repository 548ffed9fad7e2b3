//! An answer, as a value: it becomes the platform's when everything is said.

use super::request::{in_head, write_head};
use crate::{
    bridge::{self, Exchange},
    platform,
    waiting::{self, Outcome},
};
use js_sys::Uint8Array;
use nexus_core::{Fault, Result};
use std::borrow::Cow;
use wasm_bindgen::JsValue;
use worker::web_sys;

/// The type of JSON answers.
pub(crate) const JSON: &str = "application/json; charset=utf-8";

/// An answer to a request.
pub(crate) struct Response {
    status: u16,
    headers: Vec<(&'static str, Cow<'static, str>)>,
    body: Body,
}

enum Body {
    Text(String),
    Bytes(Vec<u8>),
    /// A stream.
    Stream(web_sys::ReadableStream),
    /// It opens a socket, and has no headers that could be set.
    Socket(web_sys::Response),
    /// What an object has answered: it is not read here. The text is its status and headers.
    Reply(JsValue, String),
}

impl Response {
    pub(crate) fn text(
        status: u16,
        content_type: impl Into<Cow<'static, str>>,
        text: String,
    ) -> Self {
        Self::new(status, content_type.into(), Body::Text(text))
    }

    pub(crate) fn bytes(
        status: u16,
        content_type: impl Into<Cow<'static, str>>,
        bytes: Vec<u8>,
    ) -> Self {
        Self::new(status, content_type.into(), Body::Bytes(bytes))
    }

    pub(crate) fn stream(
        status: u16,
        content_type: &'static str,
        stream: web_sys::ReadableStream,
    ) -> Self {
        Self::new(status, content_type.into(), Body::Stream(stream))
    }

    /// The answer that opens a socket.
    pub(crate) fn socket(response: web_sys::Response) -> Self {
        Self { status: 101, headers: Vec::new(), body: Body::Socket(response) }
    }

    /// What an object has answered.
    pub(crate) fn reply(reply: JsValue) -> Self {
        let head = bridge::reply_head(&reply);
        let status = head.get(..3).and_then(|status| status.parse().ok()).unwrap_or(500);
        Self { status, headers: Vec::new(), body: Body::Reply(reply, head) }
    }

    fn new(status: u16, content_type: Cow<'static, str>, body: Body) -> Self {
        Self { status, headers: vec![("Content-Type", content_type)], body }
    }

    pub(crate) fn status(&self) -> u16 {
        self.status
    }

    /// Sets a header, in place of one that every answer has, if it is one of these. What opens a socket
    /// has none.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Cow<'static, str>>) {
        self.headers.push((name, value.into()));
    }

    /// The same, of an answer that is being made.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.set(name, value);
        self
    }

    /// A header of this answer, but for those that every answer has.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        if let Body::Reply(_, head) = &self.body {
            return in_head(head, name);
        }
        let mut headers = self.headers.iter().rev();
        headers.find(|(key, _)| *key == name).map(|(_, value)| &**value)
    }

    /// The text of what an object has answered, or what was made of it.
    pub(crate) async fn read(&self) -> Result<String> {
        let reply = match &self.body {
            Body::Reply(reply, _) => reply,
            Body::Text(text) => return Ok(text.clone()),
            Body::Bytes(_) | Body::Stream(_) | Body::Socket(_) => {
                return Err(Fault::new("an answer is read that is no text").into());
            }
        };
        let text = waiting::outcome(bridge::reply_text(reply)).await;
        let text = text.map_err(|error| platform::fault(error.into()))?;
        Ok(text.as_string().unwrap_or_default())
    }

    /// The status and the headers, each in a line of its own. An answer is JSON if it does not say what it is.
    fn head(&self) -> String {
        let is_json = self.headers.first().is_some_and(|(_, value)| *value == JSON);
        let headers = self.headers.iter().skip(usize::from(is_json));
        write_head(self.status.to_string(), headers.map(|(name, value)| (*name, &**value)))
    }

    /// For the edge or the object that asked.
    pub(crate) fn into_reply(self) -> JsValue {
        let head = self.head();
        match self.body {
            Body::Text(text) => JsValue::from_str(&[&head, "\n\n", &text].concat()),
            Body::Bytes(bytes) => bridge::reply(&head, Uint8Array::from(bytes.as_slice())),
            Body::Reply(reply, _) => reply,
            // Nobody asks for one in this way.
            Body::Stream(_) | Body::Socket(_) => JsValue::from_str("500\n\n"),
        }
    }

    /// For the client.
    pub(crate) fn into_platform(self, exchange: &Exchange) -> Outcome {
        let head = self.head();
        let made = match self.body {
            Body::Text(text) => exchange.answer(&head, &text.into()),
            Body::Bytes(bytes) => {
                exchange.answer(&head, &Uint8Array::from(bytes.as_slice()).into())
            }
            Body::Stream(stream) => exchange.answer(&head, &stream.into()),
            Body::Socket(response) => Ok(response),
            Body::Reply(reply, _) => exchange.pass(&reply),
        };
        made.map(Into::into).map_err(|_| "an answer could not be made".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_set_again_is_the_last_one() {
        let answer = Response::text(200, "text/plain", String::new());
        let answer = answer.with("Vary", "Accept").with("Vary", "Origin");
        assert_eq!(answer.header("Vary"), Some("Origin"));
        assert_eq!(answer.head(), "200\nContent-Type: text/plain\nVary: Accept\nVary: Origin");
        let answer = Response::text(201, JSON, String::new()).with("Allow", "GET");
        assert_eq!(answer.head(), "201\nAllow: GET");
    }
}
