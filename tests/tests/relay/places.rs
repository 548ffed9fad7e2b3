//! Codes tell the region in which they were made, and work from everywhere.

use nexus_protocol::{PairingCode, Region};
use nexus_tests::{Api, Relay, string};
use serde_json::json;

type Place = (&'static str, &'static str, Region);

/// Where a request can come from: the continent and the longitude, as the platform tells them.
const PLACES: [Place; 10] = [
    ("NA", "-118.2", Region::Wnam),
    ("NA", "-74.2", Region::Enam),
    ("SA", "-46.6", Region::Sam),
    ("EU", "2.3", Region::Weur),
    ("EU", "21.0", Region::Eeur),
    ("AS", "139.7", Region::Apac),
    ("OC", "151.2", Region::Oc),
    ("AF", "28.0", Region::Afr),
    ("AS", "55.3", Region::Me),
    ("T1", "", Region::DEFAULT),
];

fn place((continent, longitude, _): Place) -> Vec<u8> {
    json!({ "continent": continent, "longitude": longitude }).to_string().into_bytes()
}

/// A code that is made at this place.
fn code_made_at(api: &Api, at: Place) -> String {
    let (session, _) = api.create(&json!({}));
    let make = api.put("/v1/pair").header("X-Place", &place(at));
    string(&make.json(&json!({ "sessionId": session })).send().json()["code"])
}

fn claimed_at(api: &Api, code: &str, at: Place) -> u16 {
    let claim = api.post(&format!("/v1/pair/{code}/claim")).agent("bob");
    claim.header("X-Place", &place(at)).send().status
}

#[test]
fn a_code_tells_where_it_was_made_and_is_claimed_from_anywhere() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let claimers = PLACES.iter().cycle().skip(4);
    for (at, other) in PLACES.iter().zip(claimers) {
        let code = code_made_at(&api, *at);
        let parsed: PairingCode = code.parse().unwrap();
        assert_eq!(parsed.region(), Some(at.2), "{code}, made at {at:?}");
        assert_eq!(claimed_at(&api, &code, *other), 200, "{code} of {at:?}, claimed at {other:?}");
    }
}

#[test]
fn only_in_tests_a_request_says_itself_where_it_comes_from() {
    let relay = nexus_tests::relay();
    let api = Api::new(&relay.url());
    let code: PairingCode = code_made_at(&api, PLACES[6]).parse().unwrap();
    assert_eq!(code.region(), Some(Region::DEFAULT));
}
