//! Codes tell the region in which they were made, and work from everywhere.

use nexus_protocol::{PairingCode, Region};
use nexus_tests::{Api, Relay, string};
use serde_json::json;

/// A place of the platform in each region, and one that nobody knows.
const COLOS: [(&str, Region); 10] = [
    ("LAX", Region::Wnam),
    ("EWR", Region::Enam),
    ("GRU", Region::Sam),
    ("CDG", Region::Weur),
    ("WAW", Region::Eeur),
    ("NRT", Region::Apac),
    ("SYD", Region::Oc),
    ("JNB", Region::Afr),
    ("DXB", Region::Me),
    ("???", Region::DEFAULT),
];

fn place(colo: &str) -> Vec<u8> {
    json!({ "colo": colo }).to_string().into_bytes()
}

/// A code that is made at this place.
fn code_made_at(api: &Api, colo: &str) -> String {
    let (session, _) = api.create(&json!({}));
    let make = api.put("/v1/pair").header("X-Place", &place(colo));
    string(&make.json(&json!({ "sessionId": session })).send().json()["code"])
}

fn claimed_at(api: &Api, code: &str, colo: &str) -> u16 {
    let claim = api.post(&format!("/v1/pair/{code}/claim")).agent("bob");
    claim.header("X-Place", &place(colo)).send().status
}

#[test]
fn a_code_tells_where_it_was_made_and_is_claimed_from_anywhere() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let claimers = COLOS.iter().cycle().skip(4);
    for ((colo, region), (other, _)) in COLOS.iter().zip(claimers) {
        let code = code_made_at(&api, colo);
        let parsed: PairingCode = code.parse().unwrap();
        assert_eq!(parsed.region(), Some(*region), "{code}, made at {colo}");
        assert_eq!(claimed_at(&api, &code, other), 200, "{code} of {colo}, claimed at {other}");
    }
}

#[test]
fn in_a_jurisdiction_all_codes_are_of_one_region() {
    let relay =
        Relay::builder().var("DIAGNOSTICS", "on").var("JURISDICTION", "eu").start().unwrap();
    let api = Api::new(&relay.url());
    for colo in ["SYD", "LAX"] {
        let code = code_made_at(&api, colo);
        assert_eq!(code.parse::<PairingCode>().unwrap().region(), Some(Region::DEFAULT));
        assert_eq!(claimed_at(&api, &code, "CDG"), 200);
    }
}

#[test]
fn only_in_tests_a_request_says_itself_where_it_comes_from() {
    let relay = nexus_tests::relay();
    let api = Api::new(&relay.url());
    let code: PairingCode = code_made_at(&api, "SYD").parse().unwrap();
    assert_eq!(code.region(), Some(Region::DEFAULT));
}
