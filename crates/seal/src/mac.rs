//! HMAC-SHA-512.

use hmac::{Hmac, KeyInit, Mac, digest::array::Array};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

/// The bytes of a block of SHA-512, to which HMAC fills up a shorter key.
const BLOCK: usize = 128;

/// The code of the parts, one behind the other.
pub(crate) fn mac<const N: usize>(key: &[u8; N], parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    const { assert!(N <= BLOCK, "HMAC hashes a longer key first") };
    let mut block = Array::from([0; BLOCK]);
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let mut mac = Hmac::<Sha512>::new(&block);
    block.zeroize();
    for part in parts {
        mac.update(part);
    }
    let mut made = mac.finalize().into_bytes();
    let code = Zeroizing::new(made.into());
    made.zeroize();
    code
}

/// The first bytes of a code. `N` is at most 64.
pub(crate) fn first<const N: usize>(code: &[u8; 64]) -> [u8; N] {
    const { assert!(N <= 64, "a code has no more bytes") };
    std::array::from_fn(|at| code.get(at).copied().unwrap_or_default())
}
