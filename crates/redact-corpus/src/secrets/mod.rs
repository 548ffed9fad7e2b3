//! Made-up secrets in the texts that agents paste, and how many of them are found.
//!
//! A form is a row of the tables in `known` and `places`. Its values are made from what the issuer
//! publishes (`recipe`, `jwt`, `blocks`) or as people choose passwords (`values`). Each is put into
//! twelve surroundings (`surrounding`), redacted and judged (`score`).

mod blocks;
mod dice;
mod encodings;
mod form;
mod jwt;
mod known;
mod places;
mod recipe;
mod report;
mod score;
mod surrounding;
mod values;

pub use dice::Dice;
pub use form::{Family, Form};
pub use report::{Report, measure, run};
pub use score::{Outcome, Score, score};
pub use surrounding::Surrounding;

use recipe::Made;
use surrounding::Parts;

/// How many values of each form are made, unless something else is asked for.
pub const VALUES: usize = 20;

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
    /// The part of the text, from and to, that may go with the secret.
    loose: (usize, usize),
}

/// All forms.
pub fn forms() -> impl Iterator<Item = &'static Form> {
    known::TABLES.iter().chain(&places::TABLES).flat_map(|table| table.iter())
}

/// The texts of all forms, with [`VALUES`] values each.
pub fn texts() -> impl Iterator<Item = Text> {
    forms().flat_map(|form| texts_of(form, 0..VALUES))
}

/// The texts of one form.
pub fn texts_of(form: &'static Form, values: std::ops::Range<usize>) -> impl Iterator<Item = Text> {
    values.flat_map(move |number| {
        Surrounding::ALL.into_iter().map(move |surrounding| text(form, number, surrounding))
    })
}

fn text(form: &'static Form, number: usize, surrounding: Surrounding) -> Text {
    let mut dice = Dice::new(form.name, number);
    // Each template in turn, and in the next round of values (see `values`) with another one.
    let template = form.templates[(number + number / 8) % form.templates.len()];
    let parts = match form.family {
        Family::Known => Parts {
            before: String::new(),
            made: recipe::make(template, &mut dice),
            after: String::new(),
        },
        Family::Place => {
            let (before, secret, after) = values::filled(template, form.maker, number, &mut dice);
            let made = Made { secret, ..Made::default() };
            Parts { before: before.to_owned(), made, after: after.to_owned() }
        }
    };
    let parts = surrounding::put(parts, surrounding, number);
    let text = parts.text();
    let loose = (parts.before.len(), text.len() - parts.after.len());
    Text {
        form: form.name,
        family: form.family,
        surrounding,
        start: loose.0 + parts.made.lead.len(),
        value: parts.made.secret,
        text,
        loose,
    }
}
