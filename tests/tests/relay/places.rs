//! Codes tell the region in which they were made, and work from everywhere.

use nexus_protocol::{PairingCode, Region};
use nexus_tests::{Api, Relay, agents::done, eventually, list, string};
use serde_json::{Value, json};

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

/// Asks from this place for the operator.
fn told(api: &Api, path: &str, at: Place) -> Value {
    let call = api.get(path).header("Authorization", format!("Bearer {TOKEN}").as_bytes());
    done(&call.header("X-Place", &place(at)).send(), 200)
}

const TOKEN: &str = "a token of the operator";

#[test]
fn what_each_region_counts_is_summed_when_somebody_asks_anywhere() {
    let relay =
        Relay::builder().var("DIAGNOSTICS", "on").var("ADMIN_TOKEN", TOKEN).start().unwrap();
    let api = Api::new(&relay.url());
    let [paris, sydney, ..] = [PLACES[3], PLACES[6]];
    let mut requests = Vec::new();
    for at in [Some(paris), Some(sydney), Some(sydney), None] {
        let create = api.put("/v1/sessions").json(&json!({ "creatorAgentId": "a" }));
        let create = match at {
            Some(at) => create.header("X-Place", &place(at)),
            // Only the edge says to an object where its creator is.
            None => create.header("X-Region", b"oc"),
        };
        let created = done(&create.send(), 201);
        let path = format!("/v1/sessions/{}/messages", string(&created["sessionId"]));
        for _ in 0..4 {
            let send = api.post(&path).agent("a").header("X-Place", &place(PLACES[0]));
            let key = string(&created["sessionKey"]);
            let sent = send.key(&key).json(&json!({ "text": "x" })).send();
            requests.push(sent.header("X-Request-Id").to_owned());
        }
    }
    eventually("all are counted, wherever one asks", || {
        [paris, PLACES[0], PLACES[9]].iter().all(|at| {
            let stats = told(&api, "/v1/stats", *at);
            let figures = ["activeSessions", "totalAgents", "totalMessages"].map(|it| &stats[it]);
            figures == [4, 4, 16] && stats["asOf"].is_string()
        })
    });
    eventually("the minutes know all messages", || {
        let activity = told(&api, "/v1/admin/activity", paris);
        let messages = list(&activity["minutes"]).iter().map(|minute| &minute["messages"]);
        messages.filter_map(Value::as_u64).sum::<u64>() == 16
    });
    for request in requests {
        let traced = told(&api, &format!("/v1/admin/requests/{request}"), PLACES[0]);
        assert_eq!(traced["session"]["messages"], 4);
    }
    // Where the platform tells no places, only what came from nowhere is asked for.
    assert_eq!(done(&api.get("/v1/stats").send(), 200)["activeSessions"], 1);
}

#[test]
fn agents_of_all_regions_are_one_list() {
    let relay = Relay::builder().var("DIAGNOSTICS", "on").start().unwrap();
    let api = Api::new(&relay.url());
    let mut registered = Vec::new();
    for (number, at) in PLACES.iter().enumerate() {
        let agent = format!("agent-{number}");
        let body = json!({ "agentId": agent, "name": "x", "listed": true });
        let register = api.post("/v1/agents").header("X-Place", &place(*at)).json(&body);
        done(&register.send(), 201);
        registered.push(agent);
    }
    registered.reverse();
    let (mut found, mut query) = (Vec::new(), String::new());
    loop {
        let asked = api.get(&format!("/v1/agents?limit=3{query}"));
        let page = done(&asked.header("X-Place", &place(PLACES[5])).send(), 200);
        found.extend(list(&page["agents"]).iter().map(|agent| string(&agent["card"]["agentId"])));
        if page["hasMore"] == false {
            break;
        }
        query = format!("&after={}", string(&page["nextAfter"]));
    }
    assert_eq!(found, registered, "those that were heard last come first");
}

#[test]
fn in_a_jurisdiction_there_is_one_directory() {
    // workerd knows no jurisdictions, so what is asked for in one fails: nothing is asked for elsewhere.
    let relay =
        Relay::builder().var("DIAGNOSTICS", "on").var("JURISDICTION", "eu").start().unwrap();
    let answer =
        Api::new(&relay.url()).get("/v1/stats").header("X-Place", &place(PLACES[0])).send();
    assert_eq!(answer.status, 500);
}
