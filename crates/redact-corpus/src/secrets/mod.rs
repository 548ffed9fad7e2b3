//! Made-up secrets in texts.

/// A secret in a text.
#[derive(Clone, Debug)]
pub struct Text {
    /// The name of its form.
    pub form: String,
    /// To which family of forms it belongs.
    pub family: String,
    /// What stands around it.
    pub surrounding: String,
    /// The whole text.
    pub text: String,
    /// The secret itself.
    pub value: String,
}

/// Every text.
#[must_use]
pub fn texts() -> Vec<Text> {
    Vec::new()
}
