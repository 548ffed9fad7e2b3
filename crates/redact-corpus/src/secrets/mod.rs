//! Made-up secrets in the texts that agents paste.

/// How a secret is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// By the shape of its value alone.
    Known,
    /// By what stands around it.
    Place,
}

/// What a snippet is pasted into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surrounding {
    /// Nothing.
    Bare,
}

impl Surrounding {
    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        "bare"
    }
}

/// A text with one secret.
#[derive(Clone, Debug)]
pub struct Text {
    /// The name of the form.
    pub form: &'static str,
    /// How the secret is recognised.
    pub family: Family,
    /// What is around the snippet with the secret.
    pub surrounding: Surrounding,
    /// The text.
    pub text: String,
    /// The secret, as it is written in the text.
    pub value: String,
    /// Where the secret begins.
    pub start: usize,
}

/// The texts of all forms.
pub fn texts() -> impl Iterator<Item = Text> {
    let value = format!("{}_{}", "ghp", "x7Kq2mZp9Lt4".repeat(3));
    let text = |number: usize| Text {
        form: "github_token",
        family: if number == 0 { Family::Known } else { Family::Place },
        surrounding: Surrounding::Bare,
        text: format!("password: {value}"),
        value: value.clone(),
        start: 10,
    };
    [text(0), text(1)].into_iter()
}
