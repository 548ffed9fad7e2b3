//! What is inside of sealed strings, and what it must say of its place.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may panic"
)]

use nexus_protocol::{AgentId, FileKey, Sealed};
use nexus_seal::{
    Count, Field, Part, Place, Plain, PlainFile, SealedHash, Sealer, Secret, Signer, Skip,
    Unopened, open, read, read_file, seal,
};
use proptest::prelude::*;
use serde_json::{Value, json, value::RawValue};

fn agent(id: &str) -> AgentId {
    id.parse().unwrap()
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn secret() -> Secret {
    Secret::from_random([1; 20])
}

/// Opens a plaintext of which these are the bytes.
fn read_bytes(place: Place<'_>, bytes: &[u8]) -> Result<Plain, Unopened> {
    let alice = agent("alice");
    let sealed = seal(&secret(), place.field(), &alice, [2; 16], bytes);
    read(&secret(), place, &alice, &sealed).map(|opened| opened.plain)
}

const TASK: &str = "the sealed string of a task";

const PLACES: [Place<'static>; 6] = [
    Place::Text,
    Place::Greeting,
    Place::Task,
    Place::Part(Part::Context, TASK),
    Place::Part(Part::Progress, TASK),
    Place::Part(Part::Result, TASK),
];

#[test]
fn everything_is_read_as_it_was_sealed() {
    let (secret, alice, signer) = (secret(), agent("alice"), Signer::from_seed([4; 32]));
    let plain: Plain = serde_json::from_value(json!({
        "n": {"bob": 3}, "skip": {"bob": [1, [5, 9]]}, "prev": "AAECAwQFBgcICQoLDA0ODw",
        "to": ["bob"], "replyTo": "0123456789abcdef-7", "topic": "x", "tags": ["a"],
        "redacted": [{"type": "jwt", "count": 2}], "text": "Grüße \"\n", "later": {"than": "this"}
    }))
    .unwrap();
    let plain = Plain { json: Some(raw(r#"{"n": 1e40, "big":12345678901234567890123}"#)), ..plain };
    for place in PLACES {
        for signer in [None, Some(&signer)] {
            let sealer = Sealer { secret: &secret, name: &alice, signer };
            let sealed = sealer.seal(place, [3; 16], plain.clone()).unwrap();
            let opened = read(&secret, place, &alice, &sealed).unwrap();
            assert_eq!(opened.signed_by, signer.map(Signer::public));
            let Plain { s, f, from, of, .. } = &opened.plain;
            assert_eq!(s.as_ref(), Some(&secret.key_id()));
            assert_eq!(f.as_deref(), Some(&*place.field().to_string()));
            assert_eq!(from.as_ref(), Some(&alice));
            let is_part = matches!(place, Place::Part(..));
            assert_eq!(*of, is_part.then(|| SealedHash::of(TASK)));
            let (json, expected) = (opened.plain.json.unwrap(), plain.json.as_ref().unwrap());
            assert_eq!(json.get(), expected.get());
            assert_eq!(opened.plain.text, plain.text);
            assert_eq!(opened.plain.n, Some(Count::Each([(agent("bob"), 3)].into())));
            assert!(
                matches!(opened.plain.skip, Some(Skip::Each(skip)) if skip[&agent("bob")].count() == 6)
            );
            assert_eq!(opened.plain.prev, plain.prev);
            assert_eq!(opened.plain.to, plain.to);
            assert_eq!(opened.plain.reply_to, plain.reply_to);
            assert_eq!(
                (opened.plain.topic, opened.plain.tags),
                (plain.topic.clone(), plain.tags.clone())
            );
            assert_eq!(opened.plain.redacted, plain.redacted);
        }
    }
}

#[test]
fn a_value_may_be_null() {
    let plain = read_bytes(Place::Text, br#"{"json":null}"#).unwrap();
    assert_eq!(plain.json.unwrap().get(), "null");
    assert!(read_bytes(Place::Text, br#"{"text":"x"}"#).unwrap().json.is_none());
}

#[test]
fn only_an_object_is_a_plaintext() {
    for altered in [
        "",
        " ",
        "{",
        "{}",
        "{ }",
        "{\n}  ",
        "null",
        "[]",
        "[null]",
        "\"text\"",
        "hello",
        "ey",
        " {\"text\":\"x\"}",
        "{\"text\":\"x\"}}",
        "{\"text\":\"x\"}\0",
        "{\"text\":5}",
        "{\"text\":\"x\",\"text\":\"y\"}",
        "{\"n\":0}",
        "{\"n\":-1}",
        "{\"n\":\"1\"}",
        "{\"n\":{\"bob\":0}}",
        "{\"n\":{\"b/b\":1}}",
        "{\"n\":4294967296}",
        "{\"prev\":\"AAAA\"}",
        "{\"skip\":[-1]}",
        "[\"baf12e782d5d104b0f3c032839b5c8c8\"]",
    ] {
        let refused = read_bytes(Place::Text, altered.as_bytes()).unwrap_err();
        assert_eq!(refused, Unopened::Altered, "{altered}");
    }
    assert!(read_bytes(Place::Text, b"{\"text\":\"\xff\"}").is_err());
    for right in ["{\"later\":1}", "{\"text\":\"x\"}", "{\"text\":\"x\"}   ", "{\"n\":1}"] {
        assert!(read_bytes(Place::Text, right.as_bytes()).is_ok(), "{right}");
    }
}

/// Where nothing is signed, what is not said is not compared. What is said must be true.
#[test]
fn a_plaintext_belongs_where_it_says() {
    let (secret, signer) = (secret(), Signer::from_seed([4; 32]));
    let here = json!({
        "s": secret.key_id(), "f": "result", "from": "alice", "of": SealedHash::of(TASK), "text": "x"
    });
    let place = Place::Part(Part::Result, TASK);
    let read = |value: &Value, is_signed| {
        let bytes = serde_json::to_vec(value).unwrap();
        let bytes = if is_signed { signer.sign(&bytes).into_bytes() } else { bytes };
        read_bytes(place, &bytes).is_ok()
    };
    assert!(read(&here, false) && read(&here, true));
    for (field, other) in [
        ("s", json!(Secret::from_random([2; 20]).key_id())),
        ("f", json!("text")),
        ("from", json!("bob")),
        ("from", json!("Alice")),
        ("of", json!(SealedHash::of("another task"))),
    ] {
        let mut elsewhere = here.clone();
        elsewhere[field] = other;
        assert!(!read(&elsewhere, false) && !read(&elsewhere, true), "{field}");
        elsewhere.as_object_mut().unwrap().remove(field);
        assert!(read(&elsewhere, false) && !read(&elsewhere, true), "{field}");
    }
}

#[test]
fn a_part_belongs_to_its_task() {
    let (secret, alice) = (secret(), agent("alice"));
    let sealer = Sealer { secret: &secret, name: &alice, signer: None };
    let at = |task| Place::Part(Part::Result, task);
    let sealed = sealer.seal(at(TASK), [5; 16], Plain::text("done")).unwrap();
    assert!(read(&secret, at(TASK), &alice, &sealed).is_ok());
    for elsewhere in [at("another"), Place::Part(Part::Progress, TASK), Place::Text] {
        let refused = read(&secret, elsewhere, &alice, &sealed).unwrap_err();
        assert_eq!(refused, Unopened::Altered);
    }
}

/// A member cannot pass off its own words as what another signed, nor a broken signature as none.
#[test]
fn a_signature_holds_or_nothing_is_shown() {
    let (secret, signer) = (secret(), Signer::from_seed([4; 32]));
    let json = json!({"s": secret.key_id(), "f": "text", "from": "alice", "text": "x"}).to_string();
    let jws = signer.sign(json.as_bytes());
    assert!(read_bytes(Place::Text, jws.as_bytes()).is_ok());
    assert!(read_bytes(Place::Text, format!("{jws}    ").as_bytes()).is_ok());
    for broken in [
        format!("{jws}\n"),
        format!(" {jws}"),
        format!("{jws}\0"),
        jws.replacen('.', "..", 1),
        format!("{}A", &jws[..jws.len() - 1]),
        signer.sign(jws.as_bytes()),
    ] {
        assert_eq!(read_bytes(Place::Text, broken.as_bytes()).unwrap_err(), Unopened::Altered);
    }
}

fn contents() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b' '), Just(b'{'), any::<u8>()], 0..400)
}

proptest! {
    #[test]
    fn any_text_is_read_as_it_was_sealed(text: String, is_signed: bool, iv: [u8; 16]) {
        let (secret, alice, signer) = (secret(), agent("alice"), Signer::from_seed([4; 32]));
        let sealer = Sealer { secret: &secret, name: &alice, signer: is_signed.then_some(&signer) };
        let sealed = sealer.seal(Place::Text, iv, Plain::text(text.clone())).unwrap();
        let opened = read(&secret, Place::Text, &alice, &sealed).unwrap();
        prop_assert_eq!(opened.plain.text, Some(text));
        prop_assert_eq!(opened.signed_by, is_signed.then(|| signer.public()));
    }

    #[test]
    fn any_file_is_read_as_it_was_sealed(bytes in contents(), is_signed: bool, base in proptest::option::of(any::<u32>())) {
        let (secret, alice, signer) = (secret(), agent("alice"), Signer::from_seed([4; 32]));
        let key: FileKey = "docs/plan.md".parse().unwrap();
        let sealer = Sealer { secret: &secret, name: &alice, signer: is_signed.then_some(&signer) };
        let file = PlainFile { content_type: Some("text/markdown".to_owned()), base, ..PlainFile::default() };
        let sealed = sealer.seal_file(&key, [1; 16], file, &bytes).unwrap();
        let opened = read_file(&secret, &key, &alice, &sealed).unwrap();
        prop_assert_eq!(opened.bytes, bytes);
        prop_assert_eq!(opened.file.base, base);
        prop_assert_eq!(opened.file.content_type.as_deref(), Some("text/markdown"));
        prop_assert_eq!(opened.signed_by, is_signed.then(|| signer.public()));
        let other: FileKey = "docs/plan".parse().unwrap();
        prop_assert!(read_file(&secret, &other, &alice, &sealed).is_err());
        prop_assert!(read_file(&secret, &key, &agent("bob"), &sealed).is_err());
        prop_assert!(read(&secret, Place::Text, &alice, &sealed).is_err());
    }
}

/// All lengths of texts have few lengths when they are sealed.
#[test]
fn the_length_is_hidden() {
    let (secret, alice) = (secret(), agent("alice"));
    let sealer = Sealer { secret: &secret, name: &alice, signer: None };
    let key: FileKey = "x".parse().unwrap();
    let mut sizes = std::collections::BTreeSet::new();
    for length in 2000..3000 {
        let text = "a".repeat(length);
        let sealed = sealer.seal(Place::Text, [0; 16], Plain::text(text.clone())).unwrap();
        let file = sealer.seal_file(&key, [0; 16], PlainFile::default(), text.as_bytes()).unwrap();
        for sealed in [sealed, file] {
            let size = Sealed::parse(&sealed).unwrap().ciphertext.len();
            assert!(size >= length && size <= (length + 120) * 112 / 100 + 16, "{length} {size}");
            sizes.insert(size);
        }
    }
    assert!(sizes.len() <= 18, "{sizes:?}");
}

#[test]
fn a_file_is_a_line_and_bytes() {
    let (secret, alice) = (secret(), agent("alice"));
    let signer = Signer::from_seed([4; 32]);
    let key: FileKey = "a/b".parse().unwrap();
    let read = |plaintext: &[u8]| {
        let sealed = seal(&secret, Field::File(&key), &alice, [0; 16], plaintext);
        read_file(&secret, &key, &alice, &sealed).map(|opened| opened.bytes)
    };
    for (right, bytes) in [
        (&b"{\"contentType\":\"a/b\",\"n\":2}\n\n"[..], &b"\n"[..]),
        (b"{}\n", b""),
        (b"{}   \nx\ny", b"x\ny"),
    ] {
        assert_eq!(read(right).as_deref(), Ok(bytes));
    }
    for altered in [
        &b""[..],
        b"{}",
        b"\n",
        b"x\n",
        b"[]\n",
        b" {}\n",
        b"{\"f\":\"file/a\"}\n",
        b"{\"hash\":\"AAAA\"}\nx",
        b"{\"contentType\":1}\n",
        b"{\"base\":-1}\n",
    ] {
        assert_eq!(read(altered), Err(Unopened::Altered), "{altered:?}");
    }
    // What is signed is the line, and the line names the bytes.
    let sealer = Sealer { secret: &secret, name: &alice, signer: Some(&signer) };
    let sealed = sealer.seal_file(&key, [0; 16], PlainFile::default(), b"one").unwrap();
    let mut plaintext = open(&secret, Field::File(&key), &alice, &sealed).unwrap();
    assert!(read(&plaintext).is_ok());
    *plaintext.last_mut().unwrap() = b'E';
    assert_eq!(read(&plaintext), Err(Unopened::Altered));
    let line = json!({"s": secret.key_id(), "f": "file/a/b", "from": "alice"}).to_string();
    assert_eq!(
        read(format!("{}\none", signer.sign(line.as_bytes())).as_bytes()),
        Err(Unopened::Altered)
    );
}

/// Without it, another member could give the same task again in the name of the asker.
#[test]
fn what_is_signed_without_a_count_is_of_one_sealed_string() {
    let secret = Secret::from_random([7; 20]);
    let (name, signer) = ("alice".parse().unwrap(), Signer::from_seed([1; 32]));
    let sealer = Sealer { secret: &secret, name: &name, signer: Some(&signer) };
    let task = || Plain::text("Pay the bill.");
    let first = sealer.seal(Place::Task, [1; 16], task()).unwrap();
    let second = sealer.seal(Place::Task, [2; 16], task()).unwrap();
    assert!(read(&secret, Place::Task, &name, &first).is_ok());
    assert!(read(&secret, Place::Task, &name, &second).is_ok());
    let signed = open(&secret, Field::Task, &name, &first).unwrap();
    let again = seal(&secret, Field::Task, &name, [3; 16], &signed);
    assert_eq!(read(&secret, Place::Task, &name, &again).unwrap_err(), Unopened::Altered);
}
