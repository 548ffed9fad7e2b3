//! The encodings and check sums that issuers use.

/// Digits, then letters: base 36 and, with capitals, base 62.
const BASE62: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The letters of base 64.
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The alphabet of Bitcoin, without letters that look alike.
pub(super) const BASE58: &str = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// Base 64 with its padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| usize::from(chunk.get(place).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = char::from(BASE64[bits >> (18 - 6 * place) & 63]);
            encoded.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    encoded
}

/// Base 64 for addresses, without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    base64(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// The check sum that GitHub, npm and others append: CRC32 in base 62, six digits.
pub(super) fn crc_suffix(text: &str) -> String {
    let mut crc = u32::MAX;
    for byte in text.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    let mut rest = !crc as usize;
    let mut digits = [0; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.as_bytes()[rest % 62];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// The digits of a card with the right last one.
pub(super) fn with_luhn(body: &str) -> String {
    let sum: u32 = body
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, byte)| {
            let digit = u32::from(byte - b'0');
            match (place % 2, digit) {
                (0, 5..) => digit * 2 - 9,
                (0, _) => digit * 2,
                _ => digit,
            }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// Base 58 with the four bytes of check that wallets append.
pub(super) fn base58check(payload: &[u8]) -> String {
    let check = sha256(&sha256(payload));
    let mut bytes = payload.to_vec();
    bytes.extend(&check[..4]);
    let mut digits: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    digits.iter().rev().map(|digit| char::from(BASE58.as_bytes()[*digit as usize])).collect()
}

/// 32 bits of the fractional part of a root of a prime, as SHA-256 takes its constants.
fn fraction(prime: u128, power: u32) -> u32 {
    // The greatest root whose power is not above the prime, scaled by 2^32.
    let scaled = prime << (32 * power);
    let (mut low, mut high) = (0_u128, 1 << 40);
    while high - low > 1 {
        let middle = u128::midpoint(low, high);
        if middle.pow(power) <= scaled {
            low = middle;
        } else {
            high = middle;
        }
    }
    u32::try_from(low & 0xFFFF_FFFF).unwrap_or_default()
}

fn sha256(message: &[u8]) -> [u8; 32] {
    let primes: Vec<u128> =
        (2..312).filter(|n| (2..*n).all(|divisor| n % divisor != 0)).take(64).collect();
    let keys: Vec<u32> = primes.iter().map(|prime| fraction(*prime, 3)).collect();
    let mut state: Vec<u32> = primes.iter().take(8).map(|prime| fraction(*prime, 2)).collect();
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|w| u32::from_be_bytes([w[0], w[1], w[2], w[3]])).collect();
        for at in 16..64 {
            let (a, b) = (words[at - 15], words[at - 2]);
            let a = a.rotate_right(7) ^ a.rotate_right(18) ^ a >> 3;
            let b = b.rotate_right(17) ^ b.rotate_right(19) ^ b >> 10;
            let sum = words[at - 16].wrapping_add(a).wrapping_add(words[at - 7]).wrapping_add(b);
            words.push(sum);
        }
        let mut s = state.clone();
        for (key, word) in keys.iter().zip(&words) {
            let one = s[4].rotate_right(6) ^ s[4].rotate_right(11) ^ s[4].rotate_right(25);
            let choice = s[4] & s[5] ^ !s[4] & s[6];
            let left = [one, choice, *key, *word].iter().fold(s[7], |a, b| a.wrapping_add(*b));
            let two = s[0].rotate_right(2) ^ s[0].rotate_right(13) ^ s[0].rotate_right(22);
            let right = two.wrapping_add(s[0] & s[1] ^ s[0] & s[2] ^ s[1] & s[2]);
            s.rotate_right(1);
            s[0] = left.wrapping_add(right);
            s[4] = s[4].wrapping_add(left);
        }
        for (old, new) in state.iter_mut().zip(&s) {
            *old = old.wrapping_add(*new);
        }
    }
    let mut digest = [0; 32];
    for (place, byte) in state.iter().flat_map(|word| word.to_be_bytes()).enumerate() {
        digest[place] = byte;
    }
    digest
}

/// A character, percent-encoded.
pub(super) fn percent(character: char) -> String {
    let mut bytes = [0; 4];
    character.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_sums_are_those_of_their_standards() {
        let hex: String = sha256(b"abc").iter().take(4).map(|b| format!("{b:02x}")).collect();
        assert_eq!(hex, "ba7816bf");
        assert_eq!(with_luhn("7992739871"), "79927398713");
        assert_eq!(base64(b"any carnal pleas"), "YW55IGNhcm5hbCBwbGVhcw==");
        // CRC32 of `123456789` is 0xCBF43926.
        let value = crc_suffix("123456789").bytes().fold(0_usize, |sum, digit| {
            sum * 62 + BASE62.find(char::from(digit)).unwrap_or_default()
        });
        assert_eq!(value, 0xCBF4_3926);
    }
}
