//! Storing the seats that responses give.

use crate::{
    answer::Answer,
    context::Context,
    error::{Failure, Kind, Result},
    output::Done,
    seal::{self, Seal},
    server::{Server, normalize},
};
use nexus_protocol::{AgentId, Encrypted, SessionId, SessionKey};
use nexus_seal::Fragment;
use serde::Deserialize;

/// The part of a response with a seat that the client needs.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Seat {
    pub(crate) session_id: Option<SessionId>,
    pub(crate) session_key: Option<SessionKey>,
    encryption: Option<Encrypted>,
}

impl Seat {
    /// Whether the server says that the session is encrypted as this client does it.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.encryption == Some(Encrypted::V1)
    }
}

impl Context {
    /// Stores the seat that a response gives. If that fails, the response is still printed, with an error
    /// added to it, because the server does not tell the key again.
    pub(crate) fn keep_seat(
        &self,
        answer: Answer,
        session: Option<&SessionId>,
        agent: Option<&AgentId>,
        server: &Server,
    ) -> Result<Done> {
        let seat: Seat = answer.body.read().unwrap_or_default();
        let failed = |failure: &Failure| {
            let code = match failure {
                Failure::Own(Kind::AlreadyMember, _) => Kind::AlreadyMember,
                _ => Kind::StateNotSaved,
            };
            let message = format!(
                "The server did it, but the key could not be stored here. Keep the sessionKey of this response: it is not told again. {}",
                failure.sentence()
            );
            let error = Failure::own(code, message).json();
            Failure::Report(error.map_or(answer.body.clone(), |error| answer.body.with(&error)))
        };
        let Some(session) = session.or(seat.session_id.as_ref()) else {
            let reason = Failure::own(Kind::StateNotSaved, "The response names no session.");
            return Err(failed(&reason));
        };
        let stored = self.free_for(session, agent, server).and_then(|()| {
            self.state.store_membership(session, agent, seat.session_key.as_ref(), &server.url)
        });
        stored.map_err(|failure| failed(&failure))?;
        Ok(answer.body.into())
    }

    /// The same of an answer to a claim or a join, with the secret that came with the link. The secret is stored
    /// first: without it, the seat is of no use.
    pub(crate) fn keep_sealed_seat(
        &self,
        answer: Answer,
        session: Option<&SessionId>,
        agent: &AgentId,
        server: &Server,
        fragment: Option<Fragment>,
    ) -> Result<Done> {
        let seat: Seat = answer.body.read().unwrap_or_default();
        let session = session.or(seat.session_id.as_ref());
        let (Some(session), Some(fragment)) = (session, fragment) else {
            return self.keep_seat(answer, session, Some(agent), server);
        };
        self.free_for(session, Some(agent), server)?;
        self.state.store_secret(session, &fragment)?;
        let seal = Seal::new(&self.state, session, agent, fragment)?;
        let answer = Answer { body: seal.open_claim(&answer.body)?, ..answer };
        let done = self.keep_seat(answer, Some(session), Some(agent), server)?;
        if seat.is_encrypted() { Ok(done) } else { Err(seal::denied(server.host())) }
    }

    /// Refuses to replace what is stored about a session by what another server says, or by another agent:
    /// the key would be lost. A link can be hostile, and the answer to it can name any session.
    pub(crate) fn free_for(
        &self,
        session: &SessionId,
        agent: Option<&AgentId>,
        server: &Server,
    ) -> Result<()> {
        let known = self.session_of(session.clone())?;
        let key = self.key_of(&known)?;
        let is_foreign = key.is_some_and(|key| key.at(server).is_none());
        let own = known.stored.server.as_deref();
        if is_foreign || own.is_some_and(|own| normalize(own).as_ref() != Ok(&server.url)) {
            let message = format!(
                "The session {session} is stored here with another server than {}, and nothing was replaced. If it has moved there: `nexus bind {session} --url {}`.",
                server.host(),
                server.url
            );
            return Err(Failure::own(Kind::AlreadyMember, message));
        }
        let stored = known.stored;
        let has_key = stored.has_key();
        let other = stored.agent.filter(|stored| has_key && agent.is_some_and(|new| new != stored));
        match other {
            None => Ok(()),
            Some(other) => {
                let message = format!(
                    "You are already in this session as `{other}`. Leave it first, or give the second agent a state folder of its own: add --profile NAME, or set NEXUS_HOME."
                );
                Err(Failure::own(Kind::AlreadyMember, message))
            }
        }
    }
}
