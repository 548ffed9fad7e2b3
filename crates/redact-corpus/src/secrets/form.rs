//! The rows of the tables: forms of secrets.

/// How a secret is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// By the shape of its value alone.
    Known,
    /// By what stands around it.
    Place,
}

/// What the values of a place are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Maker {
    /// Passwords of all sorts in turn: with symbols, alphanumeric, of words, of letters.
    Password,
    /// As people choose them: a word and a few digits.
    Weak,
    /// Keys of services in turn: alphanumeric, hexadecimal, base 64, of many lengths.
    Key,
    /// Only letters.
    Letters,
    /// As a recipe says.
    Recipe(&'static str),
}

/// A form of secrets.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The stable name.
    pub name: &'static str,
    /// How it is recognised.
    pub family: Family,
    /// Known: the recipe of the value. Place: texts with a slot for the value, see
    /// [`super::values`].
    pub(super) templates: &'static [&'static str],
    pub(super) maker: Maker,
}

/// A form that is recognised by its shape.
pub(super) const fn known(name: &'static str, recipe: &'static [&'static str]) -> Form {
    Form { name, family: Family::Known, templates: recipe, maker: Maker::Key }
}

/// A form that is recognised by its place.
pub(super) const fn place(
    name: &'static str,
    maker: Maker,
    templates: &'static [&'static str],
) -> Form {
    Form { name, family: Family::Place, templates, maker }
}
