//! Sealing and reading everything but files.

use crate::{
    Altered, Field, Plain, PublicKey, SealedHash, Secret, Signer, Unopened, open, padding::padded,
    seal, verify,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_protocol::{AgentId, KeyId, Sealed};

/// A part of a task that comes later than the task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// What its asker adds to it.
    Context,
    /// How far its assignee is.
    Progress,
    /// What came of it.
    Result,
}

/// What a plaintext is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// A message.
    Text,
    /// The greeting of the session.
    Greeting,
    /// A task.
    Task,
    /// A part of the task whose sealed string this is. It belongs to no other task.
    Part(Part, &'a str),
}

impl Place<'_> {
    /// The field.
    #[must_use]
    pub fn field(self) -> Field<'static> {
        match self {
            Self::Text => Field::Text,
            Self::Greeting => Field::Greeting,
            Self::Task => Field::Task,
            Self::Part(Part::Context, _) => Field::Context,
            Self::Part(Part::Progress, _) => Field::Progress,
            Self::Part(Part::Result, _) => Field::Result,
        }
    }

    fn task(self) -> Option<SealedHash> {
        match self {
            Self::Part(_, task) => Some(SealedHash::of(task)),
            Self::Text | Self::Greeting | Self::Task => None,
        }
    }
}

/// Who seals.
#[derive(Clone, Copy, Debug)]
pub struct Sealer<'a> {
    /// The secret of the session.
    pub secret: &'a Secret,
    /// The own name in the session.
    pub name: &'a AgentId,
    /// The key that signs, if there is one.
    pub signer: Option<&'a Signer>,
}

impl Sealer<'_> {
    /// Seals a plaintext for a place, where it says so itself, too. The initialization vector must
    /// be 16 fresh random bytes.
    pub fn seal(
        &self,
        place: Place<'_>,
        iv: [u8; 16],
        plain: Plain,
    ) -> Result<String, serde_json::Error> {
        let plain = Plain {
            s: Some(self.secret.key_id()),
            f: Some(place.field().to_string()),
            from: Some(self.name.clone()),
            of: place.task(),
            iv: self.signer.filter(|_| plain.n.is_none()).map(|_| URL_SAFE_NO_PAD.encode(iv)),
            ..plain
        };
        let mut bytes = self.signed(&serde_json::to_vec(&plain)?);
        bytes.resize(padded(bytes.len()), b' ');
        Ok(seal(self.secret, place.field(), self.name, iv, &bytes))
    }

    /// A JWS of the bytes, or, without a key, the bytes.
    pub(crate) fn signed(&self, bytes: &[u8]) -> Vec<u8> {
        self.signer.map_or_else(|| bytes.to_vec(), |signer| signer.sign(bytes).into_bytes())
    }
}

/// What was opened.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The plaintext. What it says of its place is true.
    pub plain: Plain,
    /// Which key signed it.
    pub signed_by: Option<PublicKey>,
    /// The hash of what was signed and of its signature.
    pub(crate) jws: Option<SealedHash>,
}

/// Opens what a sender sealed for a place.
pub fn read(
    secret: &Secret,
    place: Place<'_>,
    sender: &AgentId,
    sealed: &str,
) -> Result<Opened, Unopened> {
    let bytes = open(secret, place.field(), sender, sealed)?;
    let (payload, signed_by) = unsigned(&bytes)?;
    let plain = Plain::parse(&payload).ok_or(Unopened::Altered)?;
    let is_signed = signed_by.is_some();
    let origin = Origin { s: plain.s.as_ref(), f: plain.f.as_ref(), from: plain.from.as_ref() };
    let is_of = place.task().is_none_or(|task| same(plain.of.as_ref(), &task, is_signed));
    let is_here = plain.iv.as_ref().is_none_or(|iv| {
        Sealed::parse(sealed).is_some_and(|sealed| URL_SAFE_NO_PAD.encode(sealed.iv) == *iv)
    });
    if origin.is(secret, place.field(), sender, is_signed) && is_of && is_here {
        let text = std::str::from_utf8(&bytes).ok().filter(|_| is_signed);
        let jws = text.map(|text| SealedHash::of(text.trim_end_matches(' ')));
        Ok(Opened { plain, signed_by, jws })
    } else {
        Err(Unopened::Altered)
    }
}

/// What was signed, and by whom. Spaces behind it are padding.
pub(crate) fn unsigned(bytes: &[u8]) -> Result<(Vec<u8>, Option<PublicKey>), Altered> {
    if bytes.starts_with(b"{") {
        return Ok((bytes.to_vec(), None));
    }
    let jws = std::str::from_utf8(bytes).map_err(|_| Altered)?.trim_end_matches(' ');
    let (key, payload) = verify(jws)?;
    Ok((payload, Some(key)))
}

/// From where a plaintext says that it comes.
pub(crate) struct Origin<'a> {
    pub(crate) s: Option<&'a KeyId>,
    pub(crate) f: Option<&'a String>,
    pub(crate) from: Option<&'a AgentId>,
}

impl Origin<'_> {
    /// Whether it comes from there. Who signs must say so, for else another member could seal what
    /// was signed for another place.
    pub(crate) fn is(
        &self,
        secret: &Secret,
        field: Field<'_>,
        sender: &AgentId,
        is_signed: bool,
    ) -> bool {
        same(self.s, &secret.key_id(), is_signed)
            && same(self.f, &field.to_string(), is_signed)
            && same(self.from, sender, is_signed)
    }
}

fn same<T: PartialEq>(said: Option<&T>, expected: &T, must_be_said: bool) -> bool {
    said.map_or(!must_be_said, |said| said == expected)
}
