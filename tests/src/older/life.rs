//! What agents did at an older relay, and what they can read.

use crate::{
    Answer, Api, Call, Member,
    agents::{Resident, done},
    string,
};
use serde_json::{Map, Value, json};

/// Where the webhooks lead. Nobody answers there.
pub const HOOK: &str = "http://127.0.0.1:9/hook";

/// The secret that `ada` had before.
pub const OLD_SECRET: &str = "ada-says-open-barley";

/// Names that older relays took, and later ones refuse: they are reserved, or those of others in
/// another case.
const REFUSED: [&str; 3] = ["Ada", "admin", "Relay"];

/// The token of `team`.
pub const TOKEN: &str = "let-the-team-in";

/// Agents at one relay. `ada`, `bob`, `cleo` and `eve` are members of the session `talk`, and have
/// addresses. If there are teams, `ada`, `bob` and `dan` are members of `team`, and a task in `hurry`
/// has a deadline. The members of `odd` have names that later relays refuse, and `over` ends soon.
pub struct Life {
    /// Their relay.
    pub api: Api,
    /// What they know: ids, keys, codes and a cursor.
    pub facts: Value,
}

/// Who reads, and where. Nobody proves anything for `""`. `talk/ada` is a member, and `@ada` is an address.
pub type Read = (&'static str, String);

impl Life {
    /// Makes them do all that the relay can do.
    pub fn lived(api: Api) -> Self {
        let has_teams = api.get("/health").send().json()["capabilities"]["teams"] == true;
        let mut life = Self { api, facts: Value::Object(Map::new()) };
        life.talk();
        life.write_letters();
        if has_teams {
            life.work();
        }
        life
    }

    /// What they know by this name.
    pub fn fact(&self, name: &str) -> String {
        string(&self.facts[name])
    }

    /// Whether the relay had teams.
    pub fn has_teams(&self) -> bool {
        self.facts["team"].is_string()
    }

    fn learn(&mut self, name: &str, value: &Value) {
        self.facts[name] = value.clone();
    }

    /// A member, such as `talk/ada`.
    pub fn member(&self, name: &str) -> Member {
        let (session, agent) = name.split_once('/').expect("a session");
        let key = self.fact(name);
        Member { api: self.api.clone(), session: self.fact(session), agent: agent.to_owned(), key }
    }

    /// An agent with an address, such as `@ada`.
    pub fn resident(&self, name: &str) -> Resident {
        let id = name.trim_start_matches('@').to_owned();
        let secret = match &self.facts[name] {
            Value::String(secret) => secret.clone(),
            _ => format!("{id}-says-open-sesame"),
        };
        let id = if id == "odo" { self.fact("odo") } else { id };
        Resident { api: self.api.clone(), id, secret }
    }

    /// Claims a code.
    pub fn claim(&self, code: &str, agent: &str) -> Answer {
        let path = format!("/v1/pair/{code}/claim");
        self.api.post(&path).agent(agent).idempotency_key(agent).json(&json!({})).send()
    }

    fn create(&mut self, name: &str, more: &[(&str, Value)]) -> Member {
        let mut body = json!({ "creatorAgentId": "ada", "greeting": "Welcome." });
        for (field, value) in more {
            body[*field] = value.clone();
        }
        let made = done(&self.api.put("/v1/sessions").json(&body).send(), 201);
        self.learn(name, &made["sessionId"]);
        self.learn(&format!("{name}/ada"), &made["sessionKey"]);
        self.member(&format!("{name}/ada"))
    }

    /// Members of `odd` with names that later relays refuse.
    pub fn odd_members(&self) -> Vec<Member> {
        let names = REFUSED.map(|agent| format!("odd/{agent}"));
        let known = names.iter().filter(|name| self.facts[name.as_str()].is_string());
        known.map(|name| self.member(name)).collect()
    }

    fn talk(&mut self) {
        let odd = self.create("odd", &[]);
        for agent in REFUSED {
            let join =
                self.api.post(&format!("/v1/sessions/{}/join", odd.session)).agent(agent).send();
            if join.status == 200 {
                self.learn(&format!("odd/{agent}"), &join.json()["sessionKey"]);
                post(
                    odd.call("POST", "/messages"),
                    &json!({ "text": format!("For {agent}."), "to": agent }),
                );
            }
        }
        let over = self.create("over", &[("ttl", json!(60))]);
        over.send("Nobody will read this.");

        let ada = self.create("talk", &[("ttl", json!(86_400))]);
        for agent in ["cleo", "eve", "bob"] {
            let code = ada.pair();
            self.learn("used", &code.clone().into());
            let claimed = done(&self.claim(&code, agent), 200);
            self.learn(&format!("talk/{agent}"), &claimed["sessionKey"]);
        }
        self.learn("open", &ada.pair().into());
        let [bob, cleo, eve] =
            ["bob", "cleo", "eve"].map(|name| self.member(&format!("talk/{name}")));
        let say = |by: &Member, body: &Value| post(by.call("POST", "/messages"), body);
        let first = ada.call("POST", "/messages").idempotency_key("first");
        let first = post(first, &json!({ "text": "Good morning: Grüße, 你好 🦊" }));
        let answer = bob.call("POST", "/messages");
        let answer =
            answer.body(br#"{"json": {"date" : 1.50, "date": [ ]}, "text": "JSON"}"#).send();
        let answer = done(&answer, 201);
        self.learn("first", &first["id"]);
        self.learn("cursor", &answer["cursor"]);
        say(&ada, &json!({ "text": "For Bob.", "to": ["bob"], "replyTo": answer["id"] }));
        say(&bob, &json!({ "text": "For Ada.", "to": "ada", "replyTo": first["id"] }));
        say(&eve, &json!({ "text": "Farewell." }));
        done(&eve.call("DELETE", "/agents/eve").send(), 200);
        let hook = json!({ "url": HOOK, "secret": "cleo-says-open-sesame" });
        done(&cleo.call("PUT", "/webhook").json(&hook).send(), 200);
        for n in 1..=10 {
            say(&ada, &json!({ "text": format!("Number {n}") }));
        }
    }

    fn work(&mut self) {
        let token = ("token", json!(TOKEN));
        let ada = self.create("team", &[token, ("ttl", json!(2_592_000)), ("name", json!("Ada"))]);
        let join = self.api.post(&format!("/v1/sessions/{}/join", ada.session)).agent("bob");
        let profile = json!({ "name": "Bob", "capabilities": ["translate"], "machine": "lab-3" });
        let joined = done(&join.bearer(TOKEN).json(&profile).send(), 200);
        self.learn("team/bob", &joined["sessionKey"]);
        let bob = self.member("team/bob");
        let dan = json!({ "agent_id": "dan", "name": "Dan", "capabilities": ["draw"] });
        done(&self.claw("POST", "/register").json(&dan).send(), 200);

        let task = |body: &Value| post(ada.call("POST", "/tasks"), body);
        let change = |task: &Value, body: &Value| {
            done(
                &bob.call("POST", &format!("/tasks/{}", string(&task["id"]))).json(body).send(),
                200,
            )
        };
        let pending = task(
            &json!({ "to": "bob", "task": "Wait.", "context": { "n": 1.50 }, "priority": "high" }),
        );
        self.learn("pending", &pending["id"]);
        let begun =
            task(&json!({ "capability": "translate", "task": "Translate.", "deadline": 86_400 }));
        change(&begun, &json!({ "status": "accepted" }));
        change(&begun, &json!({ "status": "in_progress", "progress": 40 }));
        let ended = task(&json!({ "to": "bob", "task": "Count." }));
        change(&ended, &json!({ "status": "accepted" }));
        change(&ended, &json!({ "status": "in_progress" }));
        change(&ended, &json!({ "status": "completed", "result": { "count": 7 } }));
        change(&task(&json!({ "to": "bob", "task": "Sing." })), &json!({ "status": "declined" }));
        let hurry = self.create("hurry", &[]);
        let late = json!({ "to": "ada", "task": "Be late.", "deadline": 120 });
        self.learn("late", &post(hurry.call("POST", "/tasks"), &late)["id"]);
        let delegated = json!({ "from_agent": "ada", "to_agent": "dan", "task": "Draw." });
        let delegated = self.claw("POST", "/delegate").key(&ada.key).json(&delegated).send();
        done(&delegated, 200);
        let broadcast = json!({ "from_agent": "dan", "content": { "news": 1 }, "topic": "news", "tags": ["a", "b"] });
        done(&self.claw("POST", "/broadcast").json(&broadcast).send(), 200);

        for (key, status, text) in
            [("docs/plan.md", 201, "one"), ("docs/plan.md", 200, "two"), ("gone.txt", 201, "gone")]
        {
            let put = bob.call("PUT", &format!("/files/{key}"));
            done(
                &put.header("Content-Type", b"text/markdown").body(text.as_bytes()).send(),
                status,
            );
        }
        done(&bob.call("DELETE", "/files/gone.txt").send(), 200);
    }

    /// Begins a call of ClawLink.
    pub fn claw(&self, method: &str, path: &str) -> Call<'_> {
        self.api.call(method, &format!("/clawlink/{}{path}", self.fact("team"))).bearer(TOKEN)
    }

    /// Begins a call of OpenDialogue, by `odo`.
    fn dialogue(&self, method: &str, path: &str) -> Call<'_> {
        let odo = self.resident("@odo");
        self.api
            .call(method, &format!("/opendialogue/api{path}"))
            .bearer(&odo.secret)
            .agent(&odo.id)
    }

    fn write_letters(&mut self) {
        let [ada, bob, cleo, eve, gone] =
            ["@ada", "@bob", "@cleo", "@eve", "@gone"].map(|name| self.resident(name));
        for agent in [&ada, &bob, &cleo, &eve, &gone] {
            let secret = if agent.id == "ada" { OLD_SECRET } else { &agent.secret };
            let card = json!({ "agentId": agent.id, "secret": secret, "name": agent.id, "description": "An agent.",
                "version": "1.2", "capabilities": ["letters"], "listed": agent.id == "bob" });
            done(&self.api.post("/v1/agents").json(&card).send(), 201);
        }
        let old = Resident { secret: OLD_SECRET.to_owned(), ..ada.clone() };
        done(&old.call("POST", "/secret").json(&json!({ "secret": ada.secret })).send(), 200);
        for secret in ["m", "mia-says-open-sesame"] {
            let mia = json!({ "id": "mia", "name": "Mia", "secret": secret });
            if self.api.post("/messenger/register").json(&mia).send().status == 201 {
                self.learn("@mia", &secret.into());
                break;
            }
        }
        let odo = self.api.post("/opendialogue/api/agent/register").json(&json!({ "name": "Odo" }));
        let odo = done(&odo.send(), 201);
        self.learn("odo", &odo["agent_id"]);
        self.learn("@odo", &odo["agent_secret"]);
        let odo = self.resident("@odo");

        let write = |by: &Resident, to: &str, body: &Value| post(by.to(to), body);
        let letter =
            write(&bob, "ada", &json!({ "text": "First.", "conversationId": "c", "maxTurns": 4 }));
        self.learn("letter", &letter["id"]);
        ada.poll("");
        ada.ack(&string(&letter["cursor"]));
        write(
            &ada,
            "bob",
            &json!({ "text": "Second.", "conversationId": "c", "replyTo": letter["id"] }),
        );
        let ended = json!({ "text": "An end.", "conversationId": "ended" });
        write(&cleo, "bob", &ended);
        done(&bob.call("POST", "/conversations/ended/end").send(), 200);
        write(&bob, "ada", &json!({ "text": "Unread.", "json": { "a" : 1.50 } }));
        write(&eve, "ada", &json!({ "text": "Before I was blocked." }));
        write(&gone, "cleo", &json!({ "text": "From one that goes." }));
        write(&ada, &odo.id, &json!({ "text": "Dear Odo." }));
        let message = json!({ "from": "mia", "to": "ada", "message": "Hello.", "secret": self.facts["@mia"] });
        done(&self.api.post("/messenger/send").json(&message).send(), 200);
        write(&ada, "mia", &json!({ "text": "Dear Mia." }));
        let message = json!({ "from": odo.id, "to": "ada", "content": "Hello, I am Odo.", "conversation_id": "o" });
        done(&self.dialogue("POST", "/message").json(&message).send(), 202);

        done(&ada.call("PUT", "/blocks/eve").send(), 200);
        done(&bob.call("PUT", "/allows/ada").send(), 200);
        done(&bob.call("PUT", "/allow-only").json(&json!({ "enabled": true })).send(), 200);
        done(&gone.call("DELETE", "").send(), 200);
        let invite = json!({ "sessionId": self.fact("talk"), "invite": "bob" });
        let invite = self.api.put("/v1/pair").bearer(&ada.secret).agent("ada").json(&invite).send();
        self.learn("invited", &done(&invite, 201)["code"]);
    }

    /// All that is worth keeping.
    pub fn reads(&self) -> Vec<Read> {
        let odd = format!("/v1/sessions/{}/messages?members=true", self.fact("odd"));
        let mut reads = vec![("odd/ada", odd)];
        for name in ["open", "used", "invited"] {
            reads.push(("", format!("/v1/pair/{}/status", self.fact(name))));
        }
        let members = format!("/v1/sessions/{}", self.fact("talk"));
        for who in ["talk/ada", "talk/bob", "talk/cleo"] {
            reads.push((who, format!("{members}/messages?members=true")));
        }
        reads.push(("", members.clone()));
        reads.push((
            "talk/bob",
            format!("{members}/messages?after={}&limit=5", self.fact("cursor")),
        ));
        for id in ["ada", "bob", "cleo", "eve", "mia", &self.fact("odo")] {
            reads.push(("", format!("/v1/agents/{id}")));
        }
        reads.push(("", "/v1/agents?capability=letters".to_owned()));
        for who in ["@ada", "@bob", "@cleo", "@eve", "@mia", "@odo"] {
            let path = format!("/v1/agents/{}", self.resident(who).id);
            for call in ["messages", "messages?after=0", "blocks", "allows"] {
                reads.push((who, format!("{path}/{call}")));
            }
        }
        reads.push(("@ada", "/v1/agents/ada/conversations/c".to_owned()));
        reads.push(("@bob", "/v1/agents/bob/conversations/c".to_owned()));
        reads.push(("@cleo", "/v1/agents/cleo/conversations/ended".to_owned()));
        reads.push(("@bob", format!("/v1/agents/ada/messages/{}", self.fact("letter"))));
        if self.has_teams() {
            let team = format!("/v1/sessions/{}", self.fact("team"));
            for who in ["team/ada", "team/bob"] {
                for call in [
                    "messages",
                    "messages?topic=news&tags=a",
                    "agents",
                    "files",
                    "files/docs/plan.md",
                    "files/docs/plan.md?version=1",
                    "files/gone.txt",
                    "tasks?assignee=bob",
                    "tasks?assignee=dan",
                ] {
                    reads.push((who, format!("{team}/{call}")));
                }
            }
            reads.push(("team/ada", team));
        }
        reads
    }

    /// What the relay answers.
    pub fn read(&self, (who, path): &Read) -> Value {
        let call = self.api.get(path);
        let call = match who.split_at(who.len().min(1)) {
            ("", _) => call,
            ("@", _) => {
                let agent = self.resident(who);
                call.bearer(&agent.secret).agent(&agent.id)
            }
            _ => {
                let member = self.member(who);
                call.agent(&member.agent).key(&member.key)
            }
        };
        let answer = call.send();
        let status = answer.status;
        let body = if status == 200 { answer.json() } else { answer.json()["error"].clone() };
        json!({ "who": who, "path": path, "status": status, "body": body })
    }
}

/// Creates something, and returns it.
fn post(call: Call<'_>, body: &Value) -> Value {
    done(&call.json(body).send(), 201)
}
