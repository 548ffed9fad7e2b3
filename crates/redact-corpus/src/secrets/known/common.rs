//! Forms that many systems use: keys in blocks, web tokens, wallets, cards.

use super::super::form::{Form, known};

pub(super) const FORMS: &[Form] = &[
    known("pem_private_key", &["{!block PRIVATE_KEY 1210}", "{!block PRIVATE_KEY 2370}"]),
    known("pem_short_private_key", &["{!block PRIVATE_KEY 41}", "{!block PRIVATE_KEY 138}"]),
    known("pem_rsa_key", &["{!block RSA_PRIVATE_KEY 600}", "{!block RSA_PRIVATE_KEY 1185}"]),
    known("pem_large_rsa_key", &["{!block RSA_PRIVATE_KEY 2340}", "{!block RSA_PRIVATE_KEY 4680}"]),
    known("pem_ec_key", &["{!block EC_PRIVATE_KEY 110}", "{!block EC_PRIVATE_KEY 160}"]),
    known("pem_dsa_key", &["{!block DSA_PRIVATE_KEY 440}"]),
    known("pem_locked_key", &["{!block ENCRYPTED_PRIVATE_KEY 1300}", "{!block RSA_LOCKED 1190}"]),
    known("openssh_key", &["{!block OPENSSH_PRIVATE_KEY 380}"]),
    known("openssh_rsa_key", &["{!block OPENSSH_PRIVATE_KEY 1800}"]),
    known("pgp_private_key", &["{!block PGP 1400}", "{!block PGP_VERSION 3000}"]),
    known("putty_private_key", &["{!block PUTTY2 300}", "{!block PUTTY3 600}"]),
    known(
        "minisign_secret_key",
        &["untrusted comment: minisign encrypted secret key\n<RWRTY0Iy{!b64 152}>"],
    ),
    known("age_secret_key", &["AGE-SECRET-KEY-1{Z58}"]),
    known("age_pq_secret_key", &["AGE-SECRET-KEY-PQ-1{Z58}", "AGE-SECRET-KEY-PQ-1{Z70}"]),
    known("jwt_hs256", &["{!jwt HS256}"]),
    known("jwt_hs512", &["{!jwt HS512}"]),
    known("jwt_es256", &["{!jwt ES256}"]),
    known("jwt_eddsa", &["{!jwt EdDSA}"]),
    known("jwt_rs256", &["{!jwt RS256}"]),
    known("kubernetes_account_token", &["{!jwt service}"]),
    known(
        "otpauth_secret",
        &[
            "otpauth://totp/ACME:bob?secret=<{t32}>&issuer=ACME",
            "otpauth://totp/GitHub:bob?secret=<{t16}>",
            "otpauth://hotp/ACME:bob?issuer=ACME&secret=<{t52}>",
        ],
    ),
    known("bitcoin_wif", &["{!wif compressed}", "{!wif plain}"]),
    known("bitcoin_xprv", &["{!xprv xprv}", "{!xprv tprv}"]),
    known("nostr_secret_key", &["nsec1{z58}"]),
    known("tezos_secret_key", &["edsk{x50}"]),
    known("stellar_secret_key", &["S{t55}"]),
    known("card_visa", &["{!card 4 16 none}", "{!card 4 16 space}", "{!card 4 16 dash}"]),
    known("card_mastercard", &["{!card 52 16 none}", "{!card 2221 16 space}"]),
    known("card_amex", &["{!card 34 15 none}", "{!card 37 15 space}", "{!card 37 15 dash}"]),
    known("card_discover", &["{!card 6011 16 space}", "{!card 65 16 none}"]),
    known("infura_address", &["https://mainnet.infura.io/v3/<{h32}>"]),
    known("alchemy_address", &["https://eth-mainnet.g.alchemy.com/v2/<{w32}>"]),
];
