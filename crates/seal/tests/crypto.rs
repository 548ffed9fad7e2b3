//! Secrets, sealed strings and signatures.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use nexus_protocol::{AgentId, FileKey, SEALED_HEADER, Sealed};
use nexus_seal::{
    Altered, Field, Fragment, PublicKey, Secret, Signer, Unopened, open, seal, verify,
};
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Vectors {
    /// The random digits of the secret. Nothing in this repository may look like a whole one.
    drawn: String,
    salt: String,
    prk: String,
    key_id: String,
    ed25519: Key,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    seed: String,
    x: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    sender: String,
    field: String,
    iv: String,
    cek: String,
    plaintext: String,
    sealed: String,
}

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(byte).collect::<Vec<u8>>().try_into().unwrap()
}

fn agent(id: &str) -> AgentId {
    id.parse().unwrap()
}

fn file(key: &str) -> FileKey {
    key.parse().unwrap()
}

/// Calls `f` with the field of this name.
fn with_field<T>(name: &str, f: impl FnOnce(Field<'_>) -> T) -> T {
    let key = name.strip_prefix("file/").map(file);
    let words =
        [Field::Text, Field::Greeting, Field::Task, Field::Context, Field::Progress, Field::Result];
    f(key
        .as_ref()
        .map_or_else(|| *words.iter().find(|f| f.to_string() == name).unwrap(), Field::File))
}

const FIELDS: [&str; 8] =
    ["text", "greeting", "task", "context", "progress", "result", "file/docs/plan.md", "file/text"];

#[test]
fn the_vectors_are_met() {
    let vectors: Vectors = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let written = format!("k1{}", vectors.drawn);
    let secret: Secret = written.parse().unwrap();
    assert_eq!(Secret::from_random(std::array::from_fn(|at| u8::try_from(at).unwrap())), secret);
    assert_eq!(secret.as_str(), written);
    assert_eq!(secret.key_id().as_str(), vectors.key_id);
    let signer = Signer::from_seed(bytes(&vectors.ed25519.seed));
    assert_eq!(signer.public().to_string(), vectors.ed25519.x);
    assert_eq!((vectors.salt.as_str(), vectors.prk.len()), ("nexus e2e 1", 128));
    let mut signed = 0;
    for case in &vectors.cases {
        let plaintext = STANDARD.decode(&case.plaintext).unwrap();
        let sender = agent(&case.sender);
        with_field(&case.field, |field| {
            let sealed = seal(&secret, field, &sender, bytes(&case.iv), &plaintext);
            assert_eq!(sealed, case.sealed, "{}", case.field);
            assert_eq!(open(&secret, field, &sender, &sealed).unwrap(), plaintext);
        });
        assert_eq!(case.cek.len(), 128);
        if plaintext.starts_with(b"ey") {
            let (key, payload) = verify(std::str::from_utf8(&plaintext).unwrap()).unwrap();
            assert_eq!(key, signer.public());
            assert_eq!(signer.sign(&payload).as_bytes(), plaintext);
            signed += 1;
        }
    }
    assert_eq!((vectors.cases.len(), signed), (4, 1));
}

#[test]
fn a_secret_has_one_form_and_is_not_shown() {
    let text = format!("k1{}", "0a".repeat(20));
    let secret: Secret = text.parse().unwrap();
    assert_eq!(format!("{secret:?} {:?}", Signer::from_seed([9; 32])), "[secret] [secret]");
    for other in [
        "",
        "k1",
        &text[1..],
        &text[..41],
        &format!("{text}0"),
        &format!("#{text}"),
        &text.replace('a', "A"),
        &text.replace('a', "g"),
        &text.replace("k1", "k2"),
        &format!("{text}\n"),
    ] {
        let refused = other.parse::<Secret>().unwrap_err();
        assert_eq!(refused.0, Secret::RULE, "{other}");
    }
}

#[test]
fn a_fragment_has_a_secret_and_may_have_a_fingerprint() {
    let secret = Secret::from_random([7; 20]);
    let fingerprint = Signer::from_seed([9; 32]).public().fingerprint();
    for fingerprint in [None, Some(fingerprint)] {
        let fragment = Fragment { secret: secret.clone(), fingerprint };
        assert_eq!(fragment.write().parse(), Ok(fragment.clone()));
        assert!(!format!("{fragment:?}").contains(secret.as_str()));
    }
    let text = secret.as_str();
    for other in [
        format!("{text}."),
        format!("{text}.{fingerprint}a"),
        format!("{text}.{fingerprint}."),
        format!("{text}.{}", fingerprint.to_string().to_uppercase()),
        format!("{text}.1{}", &fingerprint.to_string()[1..]),
        format!(".{fingerprint}"),
        format!("{text},{fingerprint}"),
    ] {
        assert!(other.parse::<Fragment>().is_err(), "{other}");
    }
}

/// Computed by Python: `base64.b32encode(hashlib.sha256(key).digest())[:20].lower()`.
#[test]
fn a_fingerprint_is_the_beginning_of_a_hash() {
    let key: PublicKey = "Kay64UG8yvCyLhqU000LxzYeUm0L_hLIl5S8kyKWbdc".parse().unwrap();
    assert_eq!(key.fingerprint().to_string(), "et3o22wl7yiatqbq27ff");
    assert_eq!(key.fingerprint().to_string().parse(), Ok(key.fingerprint()));
}

#[test]
fn every_single_change_is_refused() {
    let secret = Secret::from_random([1; 20]);
    let alice = agent("alice");
    let text = seal(&secret, Field::Text, &alice, [3; 16], b"{\"text\":\"hello, hello\"}");
    let others = (' '..='~').chain(['\n', '\0', 'é', '\u{2028}']);
    for (at, was) in text.char_indices() {
        for other in others.clone().filter(|other| *other != was) {
            let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            let refused = open(&secret, Field::Text, &alice, &changed).unwrap_err();
            if at > SEALED_HEADER.len() + 1 {
                assert_eq!(refused, Unopened::Altered, "{changed}");
            }
        }
        let shorter = format!("{}{}", &text[..at], &text[at + 1..]);
        assert!(open(&secret, Field::Text, &alice, &shorter).is_err(), "{shorter}");
        assert!(open(&secret, Field::Text, &alice, &text[..at]).is_err());
        assert!(open(&secret, Field::Text, &alice, &text[at + 1..]).is_err());
    }
}

#[test]
fn what_is_not_opened_has_one_of_three_reasons() {
    let secret = Secret::from_random([1; 20]);
    let alice = agent("alice");
    let text = seal(&secret, Field::Text, &alice, [3; 16], b"{}");
    let parts: Vec<&str> = text.split('.').collect();
    let newer = text.replacen(SEALED_HEADER, "eyJhbGciOiJkaXIiLCJraWQiOiIyIn0", 1);
    for (text, expected) in [
        (newer.as_str(), Unopened::Newer),
        (&newer.replacen("..", ".AAAA.", 1), Unopened::Newer),
        (&format!("{newer}.AAAA"), Unopened::Unsealed),
        (&format!("{newer}="), Unopened::Unsealed),
        (&format!(" {text}"), Unopened::Unsealed),
        ("", Unopened::Unsealed),
        ("hello", Unopened::Unsealed),
        ("a.b.c.d.e", Unopened::Unsealed),
        (SEALED_HEADER, Unopened::Unsealed),
        (&format!("{SEALED_HEADER}."), Unopened::Altered),
        (&format!("{SEALED_HEADER}...."), Unopened::Altered),
        (&text.replacen("..", ".AAAA.", 1), Unopened::Altered),
        (&format!("{text}.AAAA"), Unopened::Altered),
        (&format!("{text}\n"), Unopened::Altered),
        (&format!("{}..{}.{}", parts[0], parts[2], parts[3]), Unopened::Altered),
        (&format!("{}..{}..{}", parts[0], parts[2], parts[4]), Unopened::Altered),
    ] {
        assert_eq!(open(&secret, Field::Text, &alice, text), Err(expected), "{text}");
    }
}

fn senders() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_-]{1,20}".prop_filter("an agent id", |id| id.parse::<AgentId>().is_ok())
}

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_place_only(
        secret: [u8; 20], other_secret: [u8; 20], sender in senders(), other in senders(),
        field in 0..FIELDS.len(), other_field in 0..FIELDS.len(), iv: [u8; 16],
        plaintext in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let (mine, others) = (Secret::from_random(secret), Secret::from_random(other_secret));
        let (sender, other) = (agent(&sender), agent(&other));
        let sealed = with_field(FIELDS[field], |field| seal(&mine, field, &sender, iv, &plaintext));
        prop_assert_eq!(Sealed::parse(&sealed).unwrap().iv, iv);
        for secret in [&mine, &others] {
            for by in [&sender, &other] {
                for place in [field, other_field] {
                    let opened = with_field(FIELDS[place], |field| open(secret, field, by, &sealed));
                    let is_right = *secret == mine && *by == sender && place == field;
                    let expected = if is_right { Ok(plaintext.clone()) } else { Err(Unopened::Altered) };
                    prop_assert_eq!(opened, expected);
                }
            }
        }
    }

    #[test]
    fn a_file_opens_under_its_key_only(a in "[ab](/?[ab]){0,3}", b in "[ab](/?[ab]){0,3}", by in senders(), other in senders()) {
        let secret = Secret::from_random([1; 20]);
        let (a, b, by, other) = (file(&a), file(&b), agent(&by), agent(&other));
        let sealed = seal(&secret, Field::File(&a), &by, [0; 16], b"x");
        prop_assert_eq!(open(&secret, Field::File(&b), &other, &sealed).is_ok(), a == b && by == other);
    }

    #[test]
    fn what_is_signed_is_verified(seed: [u8; 32], payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let signer = Signer::from_seed(seed);
        prop_assert_eq!(verify(&signer.sign(&payload)), Ok((signer.public(), payload)));
        prop_assert_eq!(signer.public().to_string().parse(), Ok(signer.public()));
    }
}

#[test]
fn every_single_change_of_a_signed_text_is_refused() {
    let signer = Signer::from_seed([5; 32]);
    let jws = signer.sign(b"{\"text\":\"hello\"}");
    for (at, was) in jws.char_indices() {
        for other in ['A', 'w', '_', '.', '=', ' '].into_iter().filter(|other| *other != was) {
            let changed = format!("{}{other}{}", &jws[..at], &jws[at + 1..]);
            assert_eq!(verify(&changed), Err(Altered), "{changed}");
        }
        assert_eq!(verify(&jws[..at]), Err(Altered));
        assert_eq!(verify(&jws[at + 1..]), Err(Altered));
    }
    // The same key in another header.
    let [header, payload, signature] = jws.split('.').collect::<Vec<_>>().try_into().unwrap();
    let json = String::from_utf8(URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    for other in [
        json.replace("EdDSA", "none"),
        json.replace(":{", ": {"),
        json.replace("\"alg\":\"EdDSA\",", ""),
        json.replace("}}", ",\"kid\":\"1\"}}"),
        json.replace("\"}}", "=\"}}"),
    ] {
        let other = URL_SAFE_NO_PAD.encode(other);
        assert_eq!(verify(&format!("{other}.{payload}.{signature}")), Err(Altered));
    }
    assert_eq!(verify(&format!("{header}..{signature}")), Err(Altered));
}

/// Keys of small order: with them, one signature holds for every text.
#[test]
fn a_weak_key_is_refused() {
    let points: [[u8; 32]; 4] = [
        std::array::from_fn(|at| u8::from(at == 0)),
        [0; 32],
        bytes("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
        bytes("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ];
    for point in points {
        assert!(URL_SAFE_NO_PAD.encode(point).parse::<PublicKey>().is_err(), "{point:?}");
    }
}
