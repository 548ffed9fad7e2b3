//! The methods of HTTP that the table of calls can name.

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    /// Any other. No path has it.
    Other,
}

impl Method {
    /// The method that a request names. Names are compared exactly, as HTTP has it.
    pub(crate) fn named(name: &str) -> Self {
        let known = [
            Self::Get,
            Self::Head,
            Self::Post,
            Self::Put,
            Self::Patch,
            Self::Delete,
            Self::Options,
        ];
        known.into_iter().find(|method| method.as_str() == name).unwrap_or(Self::Other)
    }

    /// The name; `-` for one that is not known.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "-",
        }
    }
}
