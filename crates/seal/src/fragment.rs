use crate::{Fingerprint, Secret};
use nexus_protocol::Malformed;
use std::str::FromStr;

/// What stands behind the `#` of a link: the secret, and after a dot the fingerprint of the
/// creator, if the link names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The secret of the session.
    pub secret: Secret,
    /// With which key the creator signs.
    pub fingerprint: Option<Fingerprint>,
}

impl Fragment {
    /// The fragment, without the `#`. It contains the secret.
    #[must_use]
    pub fn write(&self) -> String {
        let secret = self.secret.as_str();
        self.fingerprint
            .map_or_else(|| secret.to_owned(), |fingerprint| format!("{secret}.{fingerprint}"))
    }
}

impl FromStr for Fragment {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        let (secret, fingerprint) =
            text.split_once('.').map_or((text, None), |(secret, rest)| (secret, Some(rest)));
        let secret = secret.parse()?;
        let fingerprint = fingerprint.map(str::parse).transpose()?;
        Ok(Self { secret, fingerprint })
    }
}
