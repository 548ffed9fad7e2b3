//! Numbers of payment cards.

use super::{
    hit::Hit,
    kinds::CARD_NUMBER,
    shape::{at, is_word, step},
};

/// The most digits of a card number.
const MOST: usize = 16;

/// The card number that begins here. It has a known issuer's prefix, the right check digit, and the
/// usual groups or none. Text before `begin` is ignored.
pub(super) fn number(text: &[u8], begin: usize, here: usize) -> Option<Hit> {
    let before = text.get(begin..here)?;
    let (near, further) = match before {
        [.., further, near] => (*near, *further),
        [near] => (*near, 0),
        [] => (0, 0),
    };
    if !matches!(at(text, here), b'2'..=b'6') || is_joined(near, further) {
        return None;
    }
    let mut digits = [0_u8; MOST];
    let (mut count, mut end) = (0_usize, here);
    let (mut separator, mut groups) = (0, [0_usize; 4]);
    let mut group = 0_usize;
    loop {
        step();
        let byte = at(text, end);
        if byte.is_ascii_digit() {
            *digits.get_mut(count)? = byte.wrapping_sub(b'0');
            count = count.saturating_add(1);
            let size = groups.get_mut(group)?;
            *size = size.saturating_add(1);
        } else if matches!(byte, b' ' | b'-')
            && at(text, end.saturating_add(1)).is_ascii_digit()
            && (separator == 0 || separator == byte)
            && count < 15
        {
            separator = byte;
            group = group.saturating_add(1);
        } else {
            break;
        }
        end = end.saturating_add(1);
    }
    let printed = matches!((group, groups), (0, _) | (3, [4, 4, 4, 4]) | (2, [4, 6, 4 | 5, 0]));
    let digits = digits.get(..count)?;
    let is_one = printed
        && !continues(at(text, end), at(text, end.saturating_add(1)))
        && issued(digits)
        && luhn(digits);
    let varied = digits.iter().any(|digit| Some(digit) != digits.first());
    (is_one && varied).then_some(Hit { kind: CARD_NUMBER, start: here, end })
}

/// Whether the bytes before the digits make them part of something longer.
fn is_joined(near: u8, further: u8) -> bool {
    is_word(near) || b".,-/+".contains(&near) && is_word(further)
}

/// Whether the bytes after the digits make them part of something longer.
fn continues(near: u8, further: u8) -> bool {
    is_word(near) || b".,-/+".contains(&near) && further.is_ascii_digit()
}

/// Whether an issuer uses numbers of this prefix and length.
fn issued(digits: &[u8]) -> bool {
    let begin = digits
        .iter()
        .take(4)
        .fold(0_u32, |number, digit| number.saturating_mul(10).saturating_add(u32::from(*digit)));
    match digits.len() {
        14 => matches!(begin, 3000..=3059 | 3600..=3699 | 3800..=3999),
        15 => matches!(begin, 3400..=3499 | 3700..=3799),
        16 => matches!(
            begin,
            2221..=2720 | 3528..=3589 | 4000..=4999 | 5100..=5599 | 6011 | 6200..=6299 | 6440..=6599
        ),
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0_u32, |sum, (place, digit)| {
        let digit = u32::from(*digit);
        let doubled = if place % 2 == 0 { digit } else { digit.saturating_mul(2) };
        let digit = if doubled > 9 { doubled.saturating_sub(9) } else { doubled };
        sum.saturating_add(digit)
    });
    sum % 10 == 0
}
