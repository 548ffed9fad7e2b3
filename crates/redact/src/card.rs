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
    (is_one && varied && !is_documented(digits)).then_some(Hit {
        kind: CARD_NUMBER,
        start: here,
        end,
    })
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

/// Whether the makers of payment systems give the number for trying out. Beside these, numbers of few different
/// digits are for trying out.
fn is_documented(digits: &[u8]) -> bool {
    const KNOWN: [&[u8]; 30] = [
        b"4012888888881881",
        b"4000056655665556",
        b"4917610000000000",
        b"5105105105105100",
        b"5200828282828210",
        b"5454545454545454",
        b"2223003122003222",
        b"2223000048400011",
        b"378282246310005",
        b"371449635398431",
        b"378734493671000",
        b"343434343434343",
        b"6011111111111117",
        b"6011000990139424",
        b"6011981111111113",
        b"30569309025904",
        b"38520000023237",
        b"36227206271667",
        b"3566002020360505",
        b"3530111333300000",
        b"6200000000000005",
        b"6205500000000000",
        b"4000002500003155",
        b"4000002760003184",
        b"4000008260003178",
        b"5425233430109903",
        b"2222420000001113",
        b"4263982640269299",
        b"4917484589897107",
        b"4001919257537193",
    ];
    let is_same = |known: &&[u8]| {
        known.len() == digits.len()
            && known.iter().zip(digits).all(|(one, other)| one.wrapping_sub(b'0') == *other)
    };
    let mut seen = [false; 10];
    for digit in digits {
        if let Some(seen) = seen.get_mut(usize::from(*digit)) {
            *seen = true;
        }
    }
    let different = seen.iter().filter(|seen| **seen).count();
    let zeros = digits.split(|digit| *digit == 0).count().saturating_sub(1);
    KNOWN.iter().any(is_same) || different <= 3 || zeros >= 9
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
