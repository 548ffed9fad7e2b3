//! Who has to wait at `POST /mcp`, where many people share an IP.

use nexus_tests::{Answer, Api, Relay, list, string};
use serde_json::{Value, json};

/// Behind a proxy, with so low a limit on requests that any that counted for an IP would meet it.
fn strict() -> Relay {
    let builder = Relay::builder().var("CLIENT_IP_HEADER", "CF-Connecting-IP");
    builder.rate_limit(Some(5)).start().unwrap()
}

fn request(api: &Api, ip: &str, method: &str, params: &Value) -> Answer {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    api.post("/mcp").header("CF-Connecting-IP", ip.as_bytes()).json(&message).send()
}

/// What a tool gives, from this IP.
fn call(api: &Api, ip: &str, tool: &str, arguments: &Value) -> Value {
    let answer = request(api, ip, "tools/call", &json!({ "name": tool, "arguments": arguments }));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["result"]["structuredContent"].clone()
}

const CLOUD: &str = "192.0.2.1";

#[test]
fn whoever_shares_an_ip_is_not_locked_out_by_another() {
    let relay = strict();
    let api = Api::new(&relay.url());
    let alice = call(&api, CLOUD, "invite", &json!({ "name": "alice" }));
    let read = || call(&api, CLOUD, "read", &json!({ "seat": alice["seat"] }));
    for _ in 0..20 {
        assert_eq!(read()["messages"], json!([]), "a right seat is its agent's own matter");
    }
    // Another's seat, whose key is wrong: of the same form, at the session of somebody else.
    let bob = call(&api, CLOUD, "invite", &json!({ "name": "bob" }));
    let (mine, theirs) = (string(&alice["seat"]), string(&bob["seat"]));
    // 25 bytes of base64url, with the session, then the key.
    let wrong = [theirs.get(..40).unwrap(), mine.get(40..80).unwrap(), "Ym9i"].concat();
    let mut errors = Vec::new();
    for _ in 0..12 {
        let refused = call(&api, CLOUD, "read", &json!({ "seat": wrong }));
        errors.push(string(&refused["error"]));
    }
    assert_eq!(errors.last().unwrap(), "rate_limit_exceeded", "{errors:?}");
    assert!(errors.iter().filter(|error| *error != "rate_limit_exceeded").count() >= 5);
    assert_eq!(read()["messages"], json!([]));
    let bobs = call(&api, CLOUD, "read", &json!({ "seat": bob["seat"] }));
    assert_eq!(
        bobs["error"], "rate_limit_exceeded",
        "at this session a key must have been right before"
    );
    assert!(call(&api, CLOUD, "invite", &json!({ "name": "carol" }))["link"].is_string());
    assert_eq!(request(&api, CLOUD, "tools/list", &json!({})).status, 200);
}

#[test]
fn wrong_codes_lock_out_an_ip_from_codes_that_begin_like_them() {
    let relay = strict();
    let api = Api::new(&relay.url());
    let invited = call(&api, CLOUD, "invite", &json!({ "name": "alice" }));
    let link = string(&invited["link"]);
    let guess = |word: &str| json!({ "link": format!("{word}-FOCAL-S5SJV"), "name": "x" });
    let word = ["PEARL", "FOCAL"].into_iter().find(|word| !link.contains(word)).unwrap();
    let mut tried = 0;
    let refused = loop {
        let refused = call(&api, CLOUD, "join", &guess(word));
        if refused["error"] == "rate_limit_exceeded" {
            break refused;
        }
        assert_eq!(refused["error"], "code_not_found");
        tried += 1;
        assert!(tried <= 120, "never refused");
    };
    assert!(tried >= 60, "{tried}");
    assert_eq!(refused["retry_after"], 60);
    assert!(call(&api, CLOUD, "join", &json!({ "link": link, "name": "bob" }))["seat"].is_string());
}

#[test]
fn an_ip_asks_for_so_many_new_seats_in_a_minute() {
    let relay = strict();
    let api = Api::new(&relay.url());
    let mut seats = 0;
    let refused = loop {
        let given = call(&api, CLOUD, "invite", &json!({ "name": "x" }));
        if given.get("error").is_some() {
            break given;
        }
        seats += 1;
        assert!(seats <= 600, "never refused");
    };
    assert!(seats >= 300, "{seats}");
    assert_eq!(
        (&refused["error"], &refused["retry_after"]),
        (&json!("rate_limit_exceeded"), &json!(60))
    );
    assert!(call(&api, "198.51.100.1", "invite", &json!({ "name": "x" }))["seat"].is_string());
    let listed = request(&api, CLOUD, "tools/list", &json!({})).json();
    assert_eq!(list(&listed["result"]["tools"]).len(), 7);
}
