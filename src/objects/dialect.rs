//! What live delivery and the objects know of the protocols that their clients speak.
//!
//! The native protocol and each dialect implement [`Frames`]; a dialect also implements [`Dialect`]. An object is
//! given its dialects when it is built, and knows none of them by name.

use super::sockets::{Close, Holder, Reach};
use crate::{
    http::{self, CLASS, GUESS, LIMIT, Request, Response},
    router::{Foreign, Route},
};
use nexus_core::{Error, Fault, Result};
use nexus_protocol::{Cursor, Page, PageRequest, Refusal};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{borrow::Cow, pin::Pin};
use worker::{Env, WebSocket};

/// Work for one call or one frame of a dialect.
pub(crate) type Work<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// The dialects of a class of objects.
pub(crate) type Dialects<O> = &'static [&'static dyn Dialect<O>];

/// An object whose sockets read what it stores.
pub(crate) trait Live: Sized + 'static {
    /// Who a socket is, in the object's own terms.
    type Who: Clone + Serialize + DeserializeOwned + Holder + 'static;

    /// What its sockets read.
    type Log: Log<Object = Self>;

    /// A message that was just stored.
    type Stored;

    /// What it tells its sockets besides messages.
    type Event<'a>;

    /// Why a reader is refused that catches up.
    fn closes(refusal: &Refusal) -> Close;
}

/// The log of an object, for its sockets.
pub(crate) trait Log: Sized + 'static {
    type Object: Live<Log = Self>;

    /// How a reader's socket speaks.
    fn frames(&self, reader: &ReaderOf<Self::Object>) -> &'static dyn Frames<Self::Object>;

    /// A page for a reader that keeps its own cursor.
    fn read(&self, who: &WhoOf<Self::Object>, request: PageRequest) -> Result<Page>;
}

type WhoOf<O> = <O as Live>::Who;

/// A reader of an object's log.
pub(crate) type ReaderOf<O> = Reader<<O as Live>::Who>;

/// Whose a socket is, and what it speaks: kept with the socket while the object sleeps.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Reader<W> {
    pub(crate) who: W,
    /// The name of its dialect. None: the native protocol.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dialect: Option<String>,
    /// What its dialect must know to go on, as the dialect wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kept: Option<String>,
}

impl<W> Reader<W> {
    /// One that speaks the native protocol.
    pub(crate) fn native(who: W) -> Self {
        Self { who, dialect: None, kept: None }
    }

    /// One that speaks the dialect of this name.
    pub(crate) fn of(dialect: &str, who: W) -> Self {
        Self { who, dialect: Some(dialect.to_owned()), kept: None }
    }

    /// The same, with what its dialect must know to go on.
    pub(crate) fn keeping(self, kept: &impl Serialize) -> Result<Self> {
        let kept = serde_json::to_string(kept).map_err(Fault::new)?;
        Ok(Self { kept: Some(kept), ..self })
    }

    /// What its dialect wrote.
    pub(crate) fn kept<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let kept = self.kept.as_deref().unwrap_or_default();
        serde_json::from_str(kept).map_err(|_| Fault::new("what a socket keeps cannot be read"))
    }
}

impl<W: Holder> Holder for Reader<W> {
    fn name(&self) -> String {
        self.who.name()
    }

    fn is_proven(&self) -> bool {
        self.who.is_proven()
    }
}

/// An open socket from which a frame came.
pub(crate) struct Line<'a, O: Live> {
    pub(crate) end: &'a WebSocket,
    pub(crate) reader: &'a ReaderOf<O>,
    /// It was sent all that waited, and is sent what comes.
    pub(crate) is_live: bool,
}

/// How the sockets of one protocol speak.
pub(crate) trait Frames<O: Live>: Sync {
    /// Whether anything is still to be sent to a reader.
    fn reach(&self, _reader: &ReaderOf<O>) -> Reach {
        Reach::Yes
    }

    /// Whether a message that a reader may read is worth a frame to it.
    fn wants(&self, _reader: &ReaderOf<O>, _stored: &O::Stored) -> bool {
        true
    }

    /// The next messages for a reader that catches up.
    fn read(&self, log: &O::Log, reader: &ReaderOf<O>, request: PageRequest) -> Result<Page> {
        log.read(&reader.who, request)
    }

    /// A stored message as a frame.
    fn message<'a>(
        &self,
        log: &O::Log,
        reader: &ReaderOf<O>,
        record: &'a str,
    ) -> Result<Cow<'a, str>>;

    /// Takes note that a reader was sent everything up to a cursor.
    fn sent(&self, _log: &O::Log, _reader: &ReaderOf<O>, _upto: Cursor) {}

    /// The frame that tells a reader that it began past the end of the log, and goes on from there.
    fn reset(&self, _cursor: Cursor) -> Option<String> {
        None
    }

    /// The frame that tells a reader that it has caught up.
    fn ready(&self, _cursor: Cursor) -> Option<String> {
        None
    }

    /// The frame that tells a reader of an event.
    fn event(
        &self,
        _log: &O::Log,
        _reader: &ReaderOf<O>,
        _event: &O::Event<'_>,
    ) -> Result<Option<String>> {
        Ok(None)
    }

    /// Does what a client's frame asks for, and answers it with frames.
    fn received<'a>(&'a self, object: &'a O, line: Line<'a, O>, text: &'a str) -> Work<'a, ()>;
}

/// Another client's protocol, over one class of objects.
pub(crate) trait Dialect<O: Live>: Frames<O> {
    /// Its name, which its sockets keep.
    fn name(&self) -> &'static str;

    /// Whether a call of the table is one of its calls.
    fn owns(&self, call: Foreign) -> bool;

    /// A refusal in its words.
    fn refused(&self, refusal: Refusal) -> Result<Response>;

    /// Answers one of its calls at the edge.
    fn answer<'a>(
        &'a self,
        request: &'a Request,
        env: &'a Env,
        route: &'a Route,
        call: Foreign,
    ) -> Work<'a, Result<Response>>;

    /// Answers one of its calls in an object.
    fn answer_in<'a>(
        &'a self,
        object: &'a O,
        request: &'a Request,
        route: &'a Route,
        call: Foreign,
    ) -> Work<'a, Result<Response>>;

    /// A reader of its own.
    fn reader(&self, who: O::Who) -> ReaderOf<O> {
        Reader::of(self.name(), who)
    }
}

/// How a reader's socket speaks: its dialect, or the native protocol.
pub(crate) fn frames_of<O: Live>(
    dialects: Dialects<O>,
    native: &'static dyn Frames<O>,
    reader: &ReaderOf<O>,
) -> &'static dyn Frames<O> {
    let named = |name: &String| dialects.iter().copied().find(|dialect| dialect.name() == name);
    reader.dialect.as_ref().and_then(named).map_or(native, |dialect| dialect as &dyn Frames<O>)
}

/// The dialect whose call this is.
pub(crate) fn owner<O: Live>(
    dialects: Dialects<O>,
    call: Foreign,
) -> Option<&'static dyn Dialect<O>> {
    dialects.iter().copied().find(|dialect| dialect.owns(call))
}

/// An answer, in which a refusal is put into the words of a dialect.
pub(crate) fn in_its_words<O: Live>(
    dialect: &dyn Dialect<O>,
    answer: Result<Response>,
) -> Result<Response> {
    match answer {
        Err(Error::Refused(refusal)) => {
            let (is_guess, hit) = (http::is_guess(&refusal), refusal.hit);
            let answer = dialect.refused(refusal)?;
            let answer = if is_guess { answer.with(CLASS, GUESS) } else { answer };
            Ok(match hit {
                Some(limit) => answer.with(LIMIT, limit.as_str()),
                None => answer,
            })
        }
        answer => answer,
    }
}

/// Answers a call of a dialect in an object, in the words of the dialect.
pub(crate) async fn answer_in<O: Live>(
    dialects: Dialects<O>,
    object: &O,
    request: &Request,
    route: &Route,
    call: Foreign,
) -> Result<Response> {
    let dialect = owner(dialects, call).ok_or_else(Refusal::not_found)?;
    in_its_words(dialect, dialect.answer_in(object, request, route, call).await)
}
