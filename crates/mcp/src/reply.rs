//! The answer to a message, in the form of its era.

use crate::{
    Era, INSTRUCTIONS, LEGACY, MODERN,
    envelope::code,
    fields::{Writer, list, quoted},
};

/// Where the id of a request is not known.
pub(crate) const NO_ID: &str = "";

/// For how many milliseconds a client may keep the list of tools.
const KEPT: u32 = 3_600_000;

/// An answer: over HTTP with its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status over HTTP.
    pub status: u16,
    /// A JSON-RPC message.
    pub body: String,
}

/// What became of a call of a tool.
#[derive(Debug)]
pub enum Outcome {
    /// It was done. What the model sees, as JSON.
    Done(String),
    /// It was refused. A sentence for the model, and an object for programs, as JSON.
    Refused(String, String),
}

impl Reply {
    pub(crate) fn error(status: u16, id: &str, code: i32, message: &str) -> Self {
        Self::error_with(status, id, code, message, None)
    }

    pub(crate) fn error_with(
        status: u16,
        id: &str,
        code: i32,
        message: &str,
        data: Option<&str>,
    ) -> Self {
        let mut error = Writer::default();
        error.raw("code", &code.to_string());
        error.text("message", message);
        if let Some(data) = data {
            error.raw("data", data);
        }
        let mut body = Writer::default();
        body.text("jsonrpc", "2.0");
        if id != NO_ID {
            body.raw("id", id);
        }
        body.raw("error", &error.end());
        Self { status, body: body.end() }
    }

    /// Refuses a message before it was read.
    #[must_use]
    pub fn refused(status: u16, why: &str) -> Self {
        Self::error(status, NO_ID, code::INVALID_REQUEST, why)
    }
}

/// A request, to be answered.
#[derive(Debug)]
pub struct Asked {
    /// As it was written.
    id: String,
    era: Era,
    instructions: &'static str,
}

impl Asked {
    pub(crate) fn new(id: &str, era: Era) -> Self {
        Self { id: id.to_owned(), era, instructions: INSTRUCTIONS }
    }

    /// The same request, to a server whose models begin in another way.
    #[must_use]
    pub fn instructed(self, instructions: &'static str) -> Self {
        Self { instructions, ..self }
    }

    /// Its id, as it was written.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The answer to `initialize`. A revision that is not known gets the latest of its era. `capabilities` is a JSON
    /// object.
    #[must_use]
    pub fn initialized(&self, proposed: &str, capabilities: &str) -> Reply {
        let version = LEGACY.into_iter().find(|version| *version == proposed);
        let mut result = Writer::default();
        result.text("protocolVersion", version.unwrap_or(LEGACY[0]));
        result.raw("capabilities", capabilities);
        result.raw("serverInfo", &server());
        result.text("instructions", self.instructions);
        self.result(result)
    }

    /// The answer to `server/discover`.
    #[must_use]
    pub fn discovered(&self, capabilities: &str) -> Reply {
        let mut result = Writer::default();
        result.raw("supportedVersions", &versions());
        result.raw("capabilities", capabilities);
        result.text("instructions", self.instructions);
        keep(&mut result);
        self.result(result)
    }

    /// The answer to `tools/list`; `tools` is a JSON list.
    #[must_use]
    pub fn tools(&self, tools: &str) -> Reply {
        let mut result = Writer::default();
        result.raw("tools", tools.trim_ascii());
        if self.era == Era::Modern {
            keep(&mut result);
        }
        self.result(result)
    }

    /// The answer to a call of a tool.
    #[must_use]
    pub fn outcome(&self, outcome: &Outcome) -> Reply {
        let (text, structured) = match outcome {
            Outcome::Done(json) => (json.as_str(), json.as_str()),
            Outcome::Refused(sentence, body) => (sentence.as_str(), body.as_str()),
        };
        let mut content = Writer::default();
        content.text("type", "text");
        content.text("text", text);
        let mut result = Writer::default();
        result.raw("content", &list(&[content.end()]));
        result.raw("structuredContent", structured);
        if matches!(outcome, Outcome::Refused(..)) {
            result.raw("isError", "true");
        }
        self.result(result)
    }

    /// The answer that has nothing to say.
    #[must_use]
    pub fn nothing(&self) -> Reply {
        self.result(Writer::default())
    }

    /// Refuses a method that there is not.
    #[must_use]
    pub fn no_method(&self) -> Reply {
        let status = if self.era == Era::Modern { 404 } else { 200 };
        Reply::error(status, &self.id, code::NO_METHOD, "There is no such method here.")
    }

    /// Refuses the parameters of a method.
    #[must_use]
    pub fn invalid_params(&self, why: &str) -> Reply {
        self.error(code::INVALID_PARAMS, why, None)
    }

    /// Refuses a request with a code of the protocol. `data` is JSON.
    #[must_use]
    pub fn error(&self, code: i32, why: &str, data: Option<&str>) -> Reply {
        let status = if self.era == Era::Modern { 400 } else { 200 };
        Reply::error_with(status, &self.id, code, why, data)
    }

    /// The answer with this result.
    #[must_use]
    pub fn result(&self, mut result: Writer) -> Reply {
        if self.era == Era::Modern {
            result.text("resultType", "complete");
            let mut meta = Writer::default();
            meta.raw("io.modelcontextprotocol/serverInfo", &server());
            result.raw("_meta", &meta.end());
        }
        let mut answer = Writer::default();
        answer.text("jsonrpc", "2.0");
        answer.raw("id", &self.id);
        answer.raw("result", &result.end());
        Reply { status: 200, body: answer.end() }
    }
}

/// For how long a client may keep an answer that is the same for everyone.
fn keep(result: &mut Writer) {
    result.raw("ttlMs", &KEPT.to_string());
    result.text("cacheScope", "public");
}

/// All revisions, as a JSON list.
pub(crate) fn versions() -> String {
    let all: Vec<String> = [MODERN].into_iter().chain(LEGACY).map(quoted).collect();
    list(&all)
}

fn server() -> String {
    let mut server = Writer::default();
    server.text("name", "nexus-relay");
    server.text("version", env!("CARGO_PKG_VERSION"));
    server.end()
}
