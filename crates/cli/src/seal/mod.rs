//! Encrypted sessions (section 10 of the protocol): seals what is sent, and opens what is read.
//!
//! | file | |
//! |---|---|
//! | `outgoing` | the bodies of requests |
//! | `incoming` | messages, tasks and greetings of answers |
//! | `new` | a session that is about to be created |
//! | `ledger` | what is remembered of both, in `sessions/<ID>/sealed` |
//!
//! Promises: where a secret is stored for a session, [`crate::http`] sends no text of it that is not sealed, and
//! nothing that is not open reaches a command, whatever the relay says of the session. The secret goes into no
//! request.

mod incoming;
mod ledger;
mod new;
mod outgoing;

pub(crate) use new::NewSeal;

use crate::{
    error::{Failure, Kind, Result},
    json::Json,
    state,
};
use nexus_protocol::{AgentId, Redacted, SessionId};
use nexus_seal::{Fragment, Sealer, Signer};
use serde_json::json;
use std::fmt;

/// Our part in an encrypted session.
pub(crate) struct Seal {
    fragment: Fragment,
    me: AgentId,
    signer: Signer,
    session: SessionId,
    state: state::State,
}

impl Seal {
    /// Our part in a session, if it is encrypted.
    pub(crate) fn stored(
        state: &state::State,
        session: &SessionId,
        me: &AgentId,
    ) -> Result<Option<Self>> {
        let secret = state.secret(session)?;
        secret.map(|fragment| Self::new(state, session, me, fragment)).transpose()
    }

    /// Our part in a session with this secret.
    pub(crate) fn new(
        state: &state::State,
        session: &SessionId,
        me: &AgentId,
        fragment: Fragment,
    ) -> Result<Self> {
        Ok(Self {
            fragment,
            me: me.clone(),
            signer: state.signer()?,
            session: session.clone(),
            state: state.clone(),
        })
    }

    fn sealer(&self) -> Sealer<'_> {
        Sealer { secret: &self.fragment.secret, name: &self.me, signer: Some(&self.signer) }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seal").field("me", &self.me).finish_non_exhaustive()
    }
}

/// The answer to what was sent, with what was taken out here. The relay could find nothing.
pub(crate) fn with_redacted(body: Json, redacted: &[Redacted]) -> Json {
    if redacted.is_empty() {
        return body;
    }
    body.without("redacted").with(&Json::of(&json!({ "redacted": redacted })))
}

/// The failure where a relay cannot have encrypted sessions, or says that one is not.
pub(crate) fn denied(host: &str) -> Failure {
    let message = format!(
        "{host} says that this conversation is not encrypted, but the link has a key. Nothing was sent to it. Do not use this relay for it, and tell whoever gave you the link."
    );
    Failure::own(Kind::NotEncrypted, message)
}
