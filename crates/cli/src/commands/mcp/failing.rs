//! What a model reads of a failure.

use crate::{
    error::{Failure, Kind},
    stderr::printable,
};
use nexus_mcp::{Outcome, sentence};
use nexus_protocol::{ErrorBody, Refusal};
use serde_json::json;

/// How much of a sentence of a server of another kind is shown, in characters.
const SHOWN: usize = 500;

/// The outcome of a call that failed.
///
/// Of an answer that could not be stored, which may hold a key, only the sentence is told.
pub(super) fn outcome(failure: &Failure) -> Outcome {
    let Failure::Refused(answer) = failure else {
        let message = failure.sentence();
        let error = match failure {
            Failure::Own(kind, _) => json!(kind),
            _ => json!(Kind::StateNotSaved),
        };
        let body = json!({ "error": error, "message": message });
        return Outcome::Refused(message, body.to_string());
    };
    let (error, message) = match answer.body.read::<ErrorBody>() {
        Some(body) => (json!(body.error), sentence(&body).into_owned()),
        None => (json!(answer.error().error), printable(&failure.sentence(), SHOWN)),
    };
    let mut told = json!({ "error": error, "message": message });
    if let (Some(told), Some(wait)) = (told.as_object_mut(), answer.retry_after) {
        told.insert("retry_after".to_owned(), wait.into());
    }
    Outcome::Refused(message, told.to_string())
}

/// The outcome of a call with wrong arguments.
pub(super) fn refused(refusal: &Refusal) -> Outcome {
    let message = sentence(&refusal.body).into_owned();
    let body = json!({ "error": refusal.body.error, "message": message });
    Outcome::Refused(message, body.to_string())
}

/// The failure for arguments of the right form that do not go together.
pub(super) fn wrong(message: &str) -> Failure {
    Failure::own(Kind::Usage, message)
}

/// The failure if the answer of a server cannot be shown.
pub(super) fn unreadable<T>(_: T) -> Failure {
    let message = "The server's answer cannot be read: it is of another kind, or much older or newer than this client.";
    Failure::own(Kind::NonJsonResponse, message)
}
