//! The values of places, and how a value is written there.
//!
//! The slot of a template is a letter in angle brackets. It says what may stand in the value:
//!
//! | slot | place |
//! |---|---|
//! | `<X>` | after a quote: all but that quote; else the rest of a line, without spaces and quotes |
//! | `<W>` | a word of a shell |
//! | `<J>` | a string of JSON or code, in which quotes are escaped |
//! | `<E>` | XML, in which quotes and brackets are escaped |
//! | `<U>` | a part of an address, percent-encoded |
//! | `<S>` | a field that ends at a semicolon |
//! | `<F>` | a word of a shell that ends at a comma |

use super::dice::Dice;
use super::encodings::percent;
use super::form::Maker;
use super::recipe;

/// What the place of a value allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Line,
    Quoted(char),
    Word,
    Escaped,
    Xml,
    Address,
    Field,
    Item,
}

/// A template that is split at its slot, and the value as it is written there.
pub(super) fn filled(
    template: &'static str,
    maker: Maker,
    number: usize,
    dice: &mut Dice,
) -> (&'static str, String, &'static str) {
    let (before, slot, after) = split(template);
    let value = match maker {
        Maker::Password => password(slot, number, dice),
        Maker::Weak => weak(dice),
        Maker::Key => key(number, dice),
        Maker::Letters => recipe::make("{A20-40}", dice).secret,
        Maker::Recipe(recipe) => recipe::make(recipe, dice).secret,
    };
    (before, written(slot, &value), after)
}

fn split(template: &'static str) -> (&'static str, Slot, &'static str) {
    let is_slot = |part: &str| {
        part.as_bytes().get(1).is_some_and(|b| b"XWJEUSF".contains(b)) && part.as_bytes()[2] == b'>'
    };
    let mut opens = template.match_indices('<').map(|(at, _)| at);
    let at = opens.rfind(|at| template.len() >= at + 3 && is_slot(&template[*at..]));
    let at = at.unwrap_or_else(|| panic!("no slot in {template}"));
    let before = &template[..at];
    let slot = match (template.as_bytes()[at + 1], before.chars().next_back()) {
        (b'W', _) => Slot::Word,
        (b'J', _) => Slot::Escaped,
        (b'E', _) => Slot::Xml,
        (b'U', _) => Slot::Address,
        (b'S', _) => Slot::Field,
        (b'F', _) => Slot::Item,
        (_, Some(quote @ ('"' | '\'' | '`'))) => Slot::Quoted(quote),
        _ => Slot::Line,
    };
    (before, slot, &template[at + 3..])
}

fn written(slot: Slot, value: &str) -> String {
    match slot {
        Slot::Escaped => value.replace('\\', "\\\\").replace('"', "\\\""),
        Slot::Xml => value
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;"),
        Slot::Address => value
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || "-._~".contains(c) { c.into() } else { percent(c) }
            })
            .collect(),
        _ => value.to_owned(),
    }
}

/// The symbols that a password may have in this place.
fn symbols(slot: Slot) -> &'static str {
    match slot {
        Slot::Line => "!#$%&()*+,-./:;<=>?@[]^_{|}~",
        Slot::Word => "!#%*+,-./:=?@^_~",
        Slot::Item => "!#%*+-./:?@^_~",
        Slot::Quoted('\'') => "!\"#$%&()*+,-./:;<=>?@[]^_{|}~",
        Slot::Quoted(_) => "!#%&'()*+,-./:;<=>?@[]^_{|}~",
        Slot::Escaped => "!\"#$%&'()*+,-./:;<=>?@[\\]^_{|}~",
        Slot::Xml | Slot::Address => "!\"#$%&'()*+,-./:;<=>?@[]^_{|}~",
        Slot::Field => "!#$%&()*+,-./:<>?@[]^_{|}~",
    }
}

const WORDS: [&str; 40] = [
    "hunter", "dragon", "monkey", "summer", "winter", "sunset", "River", "Falcon", "purple",
    "coffee", "guitar", "Orange", "shadow", "tiger", "castle", "garden", "Silver", "rocket",
    "banana", "cheese", "island", "Thunder", "pepper", "bridge", "forest", "Marble", "lemon",
    "spider", "window", "planet", "copper", "Meadow", "turtle", "violin", "kitten", "harbor",
    "Breeze", "walnut", "pirate", "saddle",
];

const FOREIGN: [&str; 8] =
    ["Übermaß", "Ærøskøbing", "Žluťoučký", "Пушкин", "naïveté", "東京タワー", "Ελλάδα", "añoCafé"];

fn password(slot: Slot, number: usize, dice: &mut Dice) -> String {
    let quoted = matches!(slot, Slot::Quoted(_) | Slot::Escaped);
    match number % 8 {
        0 => mixed(slot, 16, dice),
        1 => recipe::make("{a16}", dice).secret,
        2 => recipe::make("{a24}", dice).secret,
        3 => {
            let (one, two) = (dice.one(&WORDS), dice.one(&WORDS));
            format!("{one}{}{two}{}", dice.roll(100), dice.roll(1000))
        }
        4 => format!("{}#{}x", dice.one(&FOREIGN), dice.between(1000, 9999)),
        5 => recipe::make("{A16}", dice).secret,
        6 if quoted => {
            let words: Vec<&str> = (0..4).map(|_| dice.one(&WORDS)).collect();
            format!("{} {}", words.join(" "), dice.between(10, 99))
        }
        6 => mixed(slot, 12, dice),
        _ => mixed(slot, 24, dice),
    }
}

/// A random password with symbols. It ends with a letter or a digit, so that everyone agrees where
/// it ends.
fn mixed(slot: Slot, length: usize, dice: &mut Dice) -> String {
    let ends = recipe::make("{A1}{d1}{L1}{U1}", dice).secret;
    let (first, last) = ends.split_at(1);
    let middle: String = (0..length - 4)
        .map(|_| match dice.roll(4) {
            0 => dice.characters(symbols(slot), 1),
            _ => recipe::make("{a1}", dice).secret,
        })
        .collect();
    format!("{first}{middle}{last}")
}

fn weak(dice: &mut Dice) -> String {
    let word = dice.one(&WORDS);
    match dice.roll(4) {
        0 => format!("{word}{}", dice.between(1950, 2026)),
        1 => format!("{word}{}!", dice.between(10, 99)),
        2 => format!("{word}{}", dice.between(10, 99)),
        _ => format!("{word}{}", dice.between(2, 9)),
    }
}

fn key(number: usize, dice: &mut Dice) -> String {
    let recipe = [
        "{a16}", "{h32}", "{a32}", "{w43}", "{a40}", "{h64}", "{l24-48}", "{a64}", "{h40}",
        "{a20-30}",
    ][number % 10];
    recipe::make(recipe, dice).secret
}
