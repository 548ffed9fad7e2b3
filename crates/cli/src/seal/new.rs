//! An encrypted session that is about to be created.

use super::denied;
use crate::{
    answer::Answer,
    capabilities,
    context::Context,
    error::{Failure, Kind, Result},
    random,
    seat::Seat,
    server::Server,
};
use nexus_protocol::{AgentId, Encrypted, Encryption, Redacted};
use nexus_seal::{Fragment, Place, Plain, Sealer, Secret, Signer};

/// The secret that its links will end with.
pub(crate) struct NewSeal {
    fragment: Fragment,
    creator: AgentId,
    signer: Signer,
}

impl NewSeal {
    /// Draws a secret. Fails if the relay cannot have encrypted sessions.
    pub(crate) fn draw(context: &Context, server: &Server, creator: &AgentId) -> Result<Self> {
        if !capabilities::of(context, server)?.encrypts() {
            let message = format!(
                "{} cannot have encrypted sessions: its software is older than this command. Leave --encrypt out, or use another relay.",
                server.host()
            );
            return Err(Failure::own(Kind::Unsupported, message));
        }
        let signer = context.state.signer()?;
        let secret = Secret::from_random(random::unguessable()?);
        let fingerprint = Some(signer.public().fingerprint());
        Ok(Self { fragment: Fragment { secret, fingerprint }, creator: creator.clone(), signer })
    }

    /// What the relay is told.
    pub(crate) fn encryption(&self) -> Encryption {
        Encryption { v: Encrypted::V1.v, key_id: self.fragment.secret.key_id() }
    }

    /// A greeting, sealed, and what was taken out before.
    pub(crate) fn greeting(&self, text: String) -> Result<(Option<String>, Vec<Redacted>)> {
        let mut search = nexus_redact::Redaction::default();
        let plain = Plain::text(search.text(text));
        let signer = Some(&self.signer);
        let sealer = Sealer { secret: &self.fragment.secret, name: &self.creator, signer };
        let sealed = sealer.seal(Place::Greeting, random::unguessable()?, plain);
        let sealed = sealed.map_err(|error| {
            Failure::own(Kind::Usage, format!("The greeting cannot be sealed ({error})."))
        })?;
        Ok((Some(sealed), super::outgoing::listed(search)))
    }

    /// Stores the secret of the session that was created. Fails if the relay does not encrypt it.
    pub(crate) fn keep(
        &self,
        context: &Context,
        answer: Answer,
        server: &Server,
        redacted: &[Redacted],
    ) -> Result<Answer> {
        let seat: Seat = answer.body.read().unwrap_or_default();
        let is_encrypted = seat.is_encrypted();
        let Some(session) = seat.session_id.filter(|_| is_encrypted) else {
            return Err(denied(server.host()));
        };
        context.state.store_secret(&session, &self.fragment)?;
        Ok(Answer { body: super::with_redacted(answer.body, redacted), ..answer })
    }
}
