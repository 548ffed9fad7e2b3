//! The log of failures, and of what the operator does. No line of the log holds an id of a session, a code, a key, a secret, a name or a message.
//! The lines of requests are in `record.rs`.

use nexus_core::Error;
use serde_json::json;
use worker::{console_error, console_log};

/// One line: what failed, under the request id or the name of what was done.
pub(crate) fn error(id: &str, error: &Error) {
    let what = match error {
        Error::Fault(fault) => fault.to_string(),
        Error::Refused(refusal) => refusal.body.message.to_string(),
    };
    console_error!("{}", json!({ "requestId": id, "fault": what }));
}

/// One line: the operator has ended the session that the request `about` was about.
pub(crate) fn ended_by_operator(id: &str, about: &str) {
    console_log!("{}", json!({ "requestId": id, "operatorEnded": about }));
}
