//! Who has to wait at `POST /mcp`, where many people share an IP.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use nexus_tests::{Answer, Api, Relay, list, string};
use serde_json::{Value, json};

/// Behind a proxy, with so low a limit on requests that any that counted for an IP would meet it.
fn strict() -> Relay {
    let builder = Relay::builder().var("CLIENT_IP_HEADER", "CF-Connecting-IP");
    builder.rate_limit(Some(5)).start().unwrap()
}

/// The same, with a low limit on everything.
fn strictest() -> Relay {
    let builder = Relay::builder().var("CLIENT_IP_HEADER", "CF-Connecting-IP");
    builder.each_rate_limit(10).start().unwrap()
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

#[test]
fn secrets_are_guessed_nowhere_unseen() {
    let relay = strict();
    let api = Api::new(&relay.url());
    let [alice, bob] =
        ["alice-9", "bob-9"].map(|id| call(&api, "198.51.100.1", "address", &json!({ "id": id })));
    // The seat of an address is its id and its secret.
    let mut number = 0;
    let mut guess = |tool: &str, more: Value| {
        number += 1;
        let word = format!("\u{2}alice-9\na-secret-that-is-wrong-{number}");
        let mut arguments = json!({ "seat": format!("nxt_{}", URL_SAFE_NO_PAD.encode(word)) });
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        string(&call(&api, CLOUD, tool, &arguments)["error"])
    };
    let to = json!({ "to": bob["id"] });
    let errors: Vec<String> = (0..70).map(|_| guess("invite", to.clone())).collect();
    assert_eq!(errors[0], "invalid_secret");
    assert_eq!(errors[69], "rate_limit_exceeded", "{errors:?}");
    assert_eq!(guess("read", json!({})), "rate_limit_exceeded");
    let stats = api.get("/v1/stats").header("CF-Connecting-IP", b"198.51.100.9").send().json();
    assert_eq!(stats["activeSessions"], 0, "no guess has begun a session");
    assert!(
        call(&api, "198.51.100.1", "read", &json!({ "seat": alice["seat"] }))["messages"]
            .is_array()
    );
}

#[test]
fn a_seat_that_is_no_more_is_counted_again() {
    let relay = strict();
    let api = Api::new(&relay.url());
    let alice = call(&api, CLOUD, "invite", &json!({ "name": "alice" }));
    let bob = call(&api, CLOUD, "join", &json!({ "link": alice["link"], "name": "bob" }));
    let seat = json!({ "seat": bob["seat"] });
    assert_eq!(call(&api, CLOUD, "leave", &seat)["left"], true);
    let errors: Vec<String> =
        (0..15).map(|_| string(&call(&api, CLOUD, "read", &seat)["error"])).collect();
    assert_eq!(errors[0], "forbidden");
    assert_eq!(errors[14], "rate_limit_exceeded", "{errors:?}");
}

#[test]
fn what_calls_nothing_is_counted_too() {
    let relay = strictest();
    let api = Api::new(&relay.url());
    let ask = |ip: &str, body: &str| {
        api.post("/mcp").header("CF-Connecting-IP", ip.as_bytes()).body(body.as_bytes()).send()
    };
    let call = |tool: &str, arguments: &str| {
        format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments}}}}}"#
        )
    };
    let long = "x".repeat(1 << 20);
    let bodies = [
        "{".to_owned(),
        long,
        call("invite", "{}"),
        call("join", r#"{"link":"nonsense","name":"x"}"#),
        call("join", r#"{"link":"https://h.example/p/PEARL-FOCAL-S5SJV","name":"x"}"#),
        call("read", r#"{"seat":"nxt_x"}"#),
        call("nothing", "{}"),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        // Each from an IP of its own.
        let ip = format!("192.0.2.{number}");
        let mut answers = (0..40).map(|_| ask(&ip, &body));
        let is_refused =
            |answer: Answer| answer.status == 429 || answer.text().contains("rate_limit_exceeded");
        assert!(answers.any(is_refused), "{}", body.get(..40.min(body.len())).unwrap());
    }
}
