//! Sealing and reading files: one line of JSON that says what it is, and the bytes.

use crate::{
    Field, PublicKey, Sealer, Secret, Unopened,
    message::{Origin, unsigned},
    open,
    padding::padded,
    seal,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_protocol::{AgentId, FileKey, KeyId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a file says of itself. Fields of newer clients are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PlainFile {
    /// The key id of the secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s: Option<KeyId>,
    /// The field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub f: Option<String>,
    /// The editor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<AgentId>,
    /// The type of the bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// The version that the editor replaced, if it is known. 0 if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<u32>,
    /// The SHA-256 of the bytes in base64url. It is there where the line is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// A file that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedFile {
    /// What it says of itself, which is true of its place and its bytes.
    pub file: PlainFile,
    /// The content.
    pub bytes: Vec<u8>,
    /// Which key signed it.
    pub signed_by: Option<PublicKey>,
}

impl Sealer<'_> {
    /// Seals a version of a file. The initialization vector must be 16 fresh random bytes.
    pub fn seal_file(
        &self,
        key: &FileKey,
        iv: [u8; 16],
        file: PlainFile,
        bytes: &[u8],
    ) -> Result<String, serde_json::Error> {
        let field = Field::File(key);
        let file = PlainFile {
            s: Some(self.secret.key_id()),
            f: Some(field.to_string()),
            from: Some(self.name.clone()),
            hash: self.signer.map(|_| hash_of(bytes)),
            ..file
        };
        let mut plaintext = self.signed(&serde_json::to_vec(&file)?);
        let content = bytes.len().saturating_add(1);
        let length = plaintext.len().saturating_add(content);
        plaintext.resize(padded(length).saturating_sub(content), b' ');
        plaintext.push(b'\n');
        plaintext.extend_from_slice(bytes);
        Ok(seal(self.secret, field, self.name, iv, &plaintext))
    }
}

fn hash_of(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(bytes))
}

/// Opens a version of a file that this editor sealed.
pub fn read_file(
    secret: &Secret,
    key: &FileKey,
    editor: &AgentId,
    sealed: &str,
) -> Result<OpenedFile, Unopened> {
    let plaintext = open(secret, Field::File(key), editor, sealed)?;
    let mut parts = plaintext.splitn(2, |byte| *byte == b'\n');
    let (Some(line), Some(bytes)) = (parts.next(), parts.next()) else {
        return Err(Unopened::Altered);
    };
    let (line, signed_by) = unsigned(line)?;
    let file = line.starts_with(b"{").then(|| serde_json::from_slice::<PlainFile>(&line));
    let Some(Ok(file)) = file else { return Err(Unopened::Altered) };
    let is_signed = signed_by.is_some();
    let origin = Origin { s: file.s.as_ref(), f: file.f.as_ref(), from: file.from.as_ref() };
    let is_whole = file.hash.as_ref().map_or(!is_signed, |hash| *hash == hash_of(bytes));
    if origin.is(secret, Field::File(key), editor, is_signed) && is_whole {
        Ok(OpenedFile { bytes: bytes.to_vec(), file, signed_by })
    } else {
        Err(Unopened::Altered)
    }
}
