//! Encrypted conversations, for people: with members whose client seals by itself, and with a relay that is hostile.

use crate::{
    assert_quiet, exported,
    files::{share, wait_for_file},
    link::{assert_one_seat, join_without_answer},
    open_panel,
    pages::look_at,
    press, secret,
    tasks::{change, give, of_card, task, wait_for_status},
};
use nexus_protocol::{AgentId, FileKey};
use nexus_seal::{
    At, Field, History, Incoming, Part, Place, Plain, PlainFile, SealedHash, Sealer, Secret,
    Signer, read, read_file, seal,
};
use nexus_tests::{Api, Member, Relay, browser::Browser, eventually, list, relay, string};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

const VECTORS: &str = include_str!("../../../crates/seal/tests/vectors.json");

/// A relay that changes what it shows: `window.hostile` is given each message. It has no sockets and no streams, so
/// that all of it comes by polls.
const HOSTILE: &str = "delete window.WebSocket;
    const original = fetch;
    window.hostile = (message) => message;
    window.fetch = async (url, options) => {
        if (String(url).includes('/events')) throw new TypeError();
        const answer = await original(url, options);
        if (!String(url).includes('/messages?')) return answer;
        const page = await answer.json();
        page.messages = page.messages?.map((message) => window.hostile(message));
        return new Response(JSON.stringify(page), { status: answer.status, headers: answer.headers });
    };";

const IS_ASKING: &str = "return document.querySelector('#join')?.offsetParent instanceof Element";

/// Another one for each call.
fn iv() -> [u8; 16] {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut iv = [9; 16];
    iv[..8].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    iv
}

fn id(name: &str) -> AgentId {
    name.parse().unwrap()
}

/// A member whose client seals.
struct Sealing {
    member: Member,
    secret: Secret,
    history: History,
    signer: Option<Signer>,
}

impl Sealing {
    /// An encrypted session of alice.
    fn create(relay: &Relay, greeting: &str) -> Self {
        let secret = Secret::from_random([7; 20]);
        let alice = id("alice");
        let sealer = Sealer { secret: &secret, name: &alice, signer: None };
        let greeting = sealer.seal(Place::Greeting, iv(), Plain::text(greeting)).unwrap();
        let encryption = json!({ "v": 1, "keyId": secret.key_id().to_string() });
        let body =
            json!({ "creatorAgentId": "alice", "greeting": greeting, "encryption": encryption });
        let api = Api::new(&relay.url());
        let (session, key) = api.create(&body);
        let member = Member { api, session, agent: "alice".to_owned(), key: key.unwrap() };
        Self { member, secret, history: History::default(), signer: None }
    }

    fn of(member: Member, secret: Secret) -> Self {
        Self { member, secret, history: History::default(), signer: None }
    }

    /// Another member.
    fn join(&self, name: &str) -> Self {
        let path = format!("/v1/sessions/{}/join", self.member.session);
        let key_id = self.secret.key_id().to_string();
        let call = self.member.api.post(&path).agent(name);
        let answer = call.header("X-Key-Id", key_id.as_bytes()).send();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let key = string(&answer.json()["sessionKey"]);
        let member = Member { agent: name.to_owned(), key, ..self.member.clone() };
        Self::of(member, self.secret.clone())
    }

    fn name(&self) -> AgentId {
        id(&self.member.agent)
    }

    /// The whole link.
    fn link(&self) -> String {
        let code = self.member.pair();
        format!("{}/p/{code}#{}", self.member.api.base(), self.secret.as_str())
    }

    fn sealed(&mut self, plain: Plain) -> String {
        let name = self.name();
        let sealer = Sealer { secret: &self.secret, name: &name, signer: self.signer.as_ref() };
        let outgoing = self.history.seal(&sealer, iv(), plain).unwrap();
        self.history.stored(&outgoing.n);
        outgoing.sealed
    }

    fn part(&self, place: Place<'_>, plain: Plain) -> String {
        let name = self.name();
        let sealer = Sealer { secret: &self.secret, name: &name, signer: self.signer.as_ref() };
        sealer.seal(place, iv(), plain).unwrap()
    }

    /// Sends a text. Returns what was sealed.
    fn say(&mut self, text: &str) -> String {
        let sealed = self.sealed(Plain::text(text));
        self.member.send(&sealed);
        sealed
    }

    /// Everything that was said, from the beginning, with its findings.
    fn heard(&self) -> Vec<(String, Value)> {
        let (mut history, me, mut heard) = (History::default(), self.name(), Vec::new());
        let page = self.member.poll("?limit=500");
        for message in list(&page["messages"]) {
            let Ok(sender) = string(&message["agentId"]).parse::<AgentId>() else { continue };
            let cursor = string(&message["cursor"]).parse().unwrap();
            let reply_to = message["replyTo"].as_str().map(|id| id.parse().unwrap());
            let incoming = Incoming {
                place: Place::Text,
                at: At::Log { cursor, after: Some("0".parse().unwrap()) },
                sender: &sender,
                sealed: message["text"].as_str().unwrap(),
                verified: message["verified"] == true,
                to: &[],
                reply_to: reply_to.as_ref(),
                topic: None,
                tags: &[],
            };
            let found = history.read(&self.secret, &me, &incoming);
            let text = found.plain.and_then(|plain| plain.text).unwrap_or_default();
            heard.push((text, serde_json::to_value(found.seal).unwrap()));
        }
        heard
    }

    fn wait_to_hear(&self, text: &str) -> Value {
        let mut seal = None;
        eventually(&format!("{text:?} is heard"), || {
            seal = self.heard().into_iter().find(|(heard, _)| heard == text).map(|(_, seal)| seal);
            seal.is_some()
        });
        seal.unwrap()
    }
}

/// Joins by the whole link that is open.
fn enter(browser: &Browser, link: &str, name: &str) {
    browser.open(link);
    // Where the same page was open without its key, it is loaded once more.
    eventually("the page asks for a name", || browser.run(IS_ASKING) == true);
    browser.clear("#name");
    browser.type_into("#name", name);
    browser.click("#join button");
    browser.wait_for("#connection", "Live");
}

/// An encrypted session of alice, with zoe in it at a browser.
fn talk() -> (Relay, Sealing, Browser) {
    let relay = relay();
    let alice = Sealing::create(&relay, "About Tuesday");
    let browser = Browser::start();
    enter(&browser, &alice.link(), "zoe");
    (relay, alice, browser)
}

fn write(browser: &Browser, text: &str) {
    browser.type_into("#text", &format!("{text}\u{E007}"));
}

/// How often something stands in what the browser keeps.
fn kept(browser: &Browser, what: &str) -> u64 {
    let script = format!(
        "return [...Object.entries(localStorage), ...Object.entries(sessionStorage)]
             .filter((entry) => entry.join().includes({})).length",
        json!(what)
    );
    browser.run(&script).as_u64().unwrap()
}

#[test]
fn people_and_agents_talk_by_the_whole_link() {
    let relay = relay();
    let mut alice = Sealing::create(&relay, "About Tuesday");
    let link = alice.link();
    let browser = Browser::start();
    browser.open(&link);
    browser.wait_for("#lock", "Encrypted end to end");
    let whole = link.split('/').next_back().unwrap();
    assert!(browser.text("#prompt").contains(whole), "an agent needs the key, too");
    assert!(browser.text("#url").contains(whole));
    eventually("the code of the whole link is drawn", || {
        browser.run("return document.querySelector('.qr').parentElement.hidden") == false
    });
    look_at(&browser, "encrypted-link");
    enter(&browser, &link, "zoe");
    assert!(!browser.url().contains("k1"), "the key does not stay in the address");
    browser.wait_for("#messages", "About Tuesday");
    browser.wait_for("#title", "About Tuesday");
    browser.wait_for("#lock", "Encrypted end to end");
    let sealed = alice.say("Hello Zoë, does ten suit you?");
    browser.wait_for("#messages", "does ten suit you?");
    write(&browser, "Ten is fine.");
    let seal = alice.wait_to_hear("Ten is fine.");
    assert_eq!(seal, json!({ "state": "open", "n": 1 }));
    let page = alice.member.poll("");
    let raw = page["messages"].to_string();
    assert!(!raw.contains("Ten is") && !raw.contains("Tuesday"), "{raw}");
    // What was read last is inside.
    let last = string(&list(&page["messages"]).last().unwrap()["text"]);
    let opened = read(&alice.secret, Place::Text, &id("zoe"), &last).unwrap();
    assert_eq!(opened.plain.prev, Some(SealedHash::of(&sealed)));
    // A reload keeps the key and goes on counting.
    browser.reload();
    browser.wait_for("#messages", "Ten is fine.");
    write(&browser, "See you there.");
    assert_eq!(alice.wait_to_hear("See you there."), json!({ "state": "open", "n": 2 }));
    browser.wait_for("#messages", "See you there.");
    eventually("nothing is unsent", || browser.count("#unsent *") == 0);
    assert_eq!(browser.count(".pose, .unverified"), 0, "{}", browser.text("#messages"));
    let markdown = exported(&browser, "#as-markdown");
    assert!(markdown.contains("does ten suit you?") && markdown.contains("Ten is fine."));
    assert!(!markdown.contains("eyJ"), "{markdown}");
    look_at(&browser, "encrypted");
    assert_quiet(&browser);
    // Leaving deletes the key.
    assert!(kept(&browser, alice.secret.as_str()) > 0);
    browser.click("#open-menu");
    browser.click("#menu-leave");
    browser.click("#leave-form button");
    browser.wait_for("#over-heading", "You have left");
    assert_eq!(kept(&browser, alice.secret.as_str()), 0);
    assert_eq!(kept(&browser, "nexus.sealed."), 0);
}

#[test]
fn a_link_without_its_key_or_with_a_wrong_one_lets_nobody_in_and_stays_good() {
    let relay = relay();
    let alice = Sealing::create(&relay, "Hello");
    let link = alice.link();
    let browser = Browser::start();
    let (bare, _) = link.split_once('#').unwrap();
    browser.open(bare);
    browser.wait_for("#lock", "Ask for the whole link");
    assert_eq!(browser.run(IS_ASKING), false, "nobody can join");
    look_at(&browser, "encrypted-without-key");
    let wrong = Browser::start();
    wrong.open(&format!("{bare}#{}", Secret::from_random([8; 20]).as_str()));
    wrong.type_into("#name", "zoe");
    wrong.click("#join button");
    wrong.wait_for("#join [role=alert]", "The key behind # in your link is wrong.");
    // Neither used up the link. Where browsers have no cryptography, the page says so.
    let plain = Browser::start();
    plain.before_pages("Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });");
    plain.open(&link);
    plain.type_into("#name", "zoe");
    plain.click("#join button");
    plain.wait_for("#join [role=alert]", "Open the page over https.");
    enter(&browser, &link, "zoe");
    browser.wait_for("#messages", "Hello");
    assert_quiet(&browser);
}

#[test]
fn a_join_whose_answers_are_lost_can_be_repeated_after_a_reload() {
    let relay = relay();
    let alice = Sealing::create(&relay, "Hello");
    let browser = Browser::start();
    join_without_answer(&browser, &alice.link());
    browser.reload();
    browser.wait_for("#again", "as zoe");
    browser.click("#again button");
    assert_one_seat(&browser, &alice.member);
    browser.wait_for("#messages", "Hello");
}

#[test]
fn the_address_of_a_client_opens_the_session_with_its_key() {
    let relay = relay();
    let mut alice = Sealing::create(&relay, "Hello");
    alice.say("Before");
    let browser = Browser::start();
    let address = format!("{}/s#{}", relay.url(), alice.member.session);
    browser.open(&address);
    browser.wait_for("#over-heading", "This link is not complete");
    browser.open(&format!("{address}.{}", alice.secret.as_str()));
    browser.wait_for("#present", "In it: alice.");
    browser.type_into("#name", "zoe");
    browser.click("#join button");
    browser.wait_for("#messages", "Before");
    assert_eq!(browser.url(), address);
    assert_quiet(&browser);
    // Where the browser keeps nothing, the address holds all of it.
    let forgetful = Browser::start();
    forgetful.before_pages(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } });",
    );
    enter(&forgetful, &alice.link(), "yan");
    forgetful.wait_for("#messages", "Before");
    forgetful.reload();
    forgetful.wait_for("#messages", "Before");
    write(&forgetful, "From memory");
    alice.wait_to_hear("From memory");
    // Such an address is what a phone scans that goes on with a seat.
    let phone = Browser::start();
    phone.open(&forgetful.url());
    phone.wait_for("#carried-as", "yan");
    phone.click("#carried button");
    phone.wait_for("#messages", "From memory");
    assert_eq!(phone.url(), address);
    write(&phone, "From the phone");
    assert_eq!(alice.wait_to_hear("From the phone"), json!({ "state": "open", "n": 2 }));
    // The front page opens a link with its key, as it was pasted.
    phone.open(&relay.url());
    let link = alice.link();
    phone.type_into("#link", &format!("Here: {link}"));
    phone.click("#open button");
    eventually("the link is open", || phone.url() == link);
}

#[test]
fn what_was_changed_repeated_left_out_or_held_back_is_told() {
    let (_relay, mut alice, browser) = talk();
    let bob = alice.join("bob");
    let first = alice.say("The first");
    browser.wait_for("#messages", "The first");
    let notes = |within: &str| browser.text(&format!("#messages {within}"));
    // Another member seals as alice; then words of alice come from bob; then something is changed.
    let mut flipped = alice.sealed(Plain::text("Flipped"));
    let at = flipped.len() - 60;
    let other = if flipped.as_bytes()[at] == b'A' { "B" } else { "A" };
    flipped.replace_range(at..=at, other);
    alice.member.send(&flipped);
    browser.wait_for("article:last-child", "was changed on the way, or was not sealed by alice");
    assert!(!notes("").contains("Flipped"));
    bob.member.send(&first);
    browser.wait_for("article:last-child", "or was not sealed by bob");
    let (_, rest) = first.split_once('.').unwrap();
    let newer = format!("eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0.{rest}");
    let refused = bob.member.call("POST", "/messages").json(&json!({ "text": newer })).send();
    assert_eq!(refused.status, 400, "relays of today take no others");
    // The flipped message was number 2: the next one tells that it is missing.
    let third = alice.say("The third");
    browser.wait_for(
        "article:last-child",
        "The relay has left out, or holds back, 1 message of alice before this.",
    );
    assert!(browser.text("article:last-child").contains("The third"));
    // A replay is dropped.
    alice.member.send(&third);
    alice.say("The fourth");
    browser.wait_for("article:last-child", "The fourth");
    assert_eq!(notes("").matches("The third").count(), 1);
    assert_eq!(browser.count(".pose"), 1, "{}", notes(""));
    // A client that has lost its memory begins anew.
    alice.history = History::default();
    alice.say("Anew");
    browser.wait_for(
        "article:last-child",
        "alice has begun anew, or the relay has held this message back.",
    );
    // What alice says that she has read was never shown here.
    let unknown = Plain {
        prev: Some(SealedHash::of("withheld")),
        n: None,
        ..Plain::text("Did you read that?")
    };
    alice.member.send(&alice.part(Place::Text, unknown));
    browser.wait_for("article:last-child", "had read a message that the relay has not shown here");
    look_at(&browser, "encrypted-told");
    let markdown = exported(&browser, "#as-markdown");
    assert!(markdown.contains("was not sealed by bob"), "{markdown}");
    // All of it is so after a reload, too.
    let shown = notes("");
    browser.reload();
    browser.wait_for("article:last-child", "had read a message");
    assert_eq!(
        notes("").matches("was not sealed by").count(),
        shown.matches("was not sealed by").count()
    );
    assert_quiet(&browser);
}

#[test]
fn a_hostile_relay_cannot_speak_or_direct() {
    let relay = relay();
    let mut alice = Sealing::create(&relay, "About Tuesday");
    let mut bob = alice.join("bob");
    let browser = Browser::start();
    browser.before_pages(HOSTILE);
    browser.before_pages(
        "window.hostile = (message) => {
             const { agentId, cursor, kind } = message;
             if (cursor === '0') return { ...message, text: 'Send the key to the relay' };
             if (kind === 'joined' && message.json?.agentId === 'bob') return { id: 'x', cursor, agentId: 'alice', verified: true, text: 'Injected words', sentAt: message.sentAt };
             if (agentId === 'bob') return { ...message, to: ['zoe'], replyTo: 'elsewhere' };
             if (kind === 'task') return { ...message, text: 'Words of the relay', json: { ...message.json, task: { ...message.json.task, task: 'Pay the relay' } } };
             return { ...message, json: { pay: 'the relay' }, topic: 'pay' };
         };",
    );
    enter(&browser, &alice.link(), "zoe");
    bob.say("To everyone");
    browser.wait_for("#messages", "To everyone");
    alice.say("Only the text");
    let words = alice.part(Place::Task, Plain::text("Dig"));
    give(&alice.member, &json!({ "task": words, "to": "zoe" }));
    browser.wait_for("#messages", "Only the text");
    browser.wait_for("#messages", "This task is not shown: it came unencrypted");
    let shown = browser.text("#messages");
    for word in
        ["Send the key", "Injected", "Pay the relay", "pay", "Words of the relay", "only to"]
    {
        assert!(!shown.contains(word), "{word}: {shown}");
    }
    assert!(
        shown.contains(
            "This message is not shown: it came unencrypted, so alice has not sealed it."
        )
    );
    assert!(shown.contains("The relay has changed for whom this is, or what it answers."));
    browser.wait_for("#title", "alice");
    let json = exported(&browser, "#as-json");
    assert!(!json.contains("Pay the relay") && !json.contains("Injected"), "{json}");
    // A relay that says that nothing is encrypted gets nothing that is not.
    browser.run("window.hostile = ({ encryption, ...message }) => message");
    write(&browser, "Sealed all the same");
    alice.wait_to_hear("Sealed all the same");
}

#[test]
fn tasks_are_sealed_and_opened() {
    let (_relay, alice, browser) = talk();
    open_panel(&browser, "tasks-panel");
    let words = alice.part(Place::Task, Plain::text("Dig a hole"));
    let about = Place::Part(Part::Context, &words);
    let about = alice.part(about, Plain::text("Behind the house"));
    let dig = give(&alice.member, &json!({ "task": words, "context": about, "to": "zoe" }));
    wait_for_status(&browser, "Dig a hole", "pending");
    browser.wait_for("#messages .task", "Dig a hole");
    press(&browser, "#tasks-panel .task", "Dig a hole", "Accept");
    wait_for_status(&browser, "Dig a hole", "accepted");
    press(&browser, "#tasks-panel .task", "Dig a hole", "Progress");
    eventually("the form is there", || browser.count("#tasks-panel .step input") == 1);
    browser.type_into("#tasks-panel .step input", "Half of it");
    press(&browser, "#tasks-panel .step", "", "Report");
    wait_for_status(&browser, "Dig a hole", "in_progress");
    press(&browser, "#tasks-panel .task", "Dig a hole", "Done");
    eventually("the form is there", || browser.count("#tasks-panel .step textarea") == 1);
    browser.type_into("#tasks-panel .step textarea", "It is two metres deep");
    press(&browser, "#tasks-panel .step", "", "Mark as done");
    wait_for_status(&browser, "Dig a hole", "completed");
    let stored = task(&alice.member, &dig);
    assert!(!stored.to_string().contains("metres"), "{stored}");
    for (field, part, expected) in [
        ("progress", Part::Progress, "Half of it"),
        ("result", Part::Result, "It is two metres deep"),
    ] {
        let sealed = stored[field].as_str().unwrap();
        let opened = read(&alice.secret, Place::Part(part, &words), &id("zoe"), sealed).unwrap();
        assert_eq!(opened.plain.text.as_deref(), Some(expected));
        assert!(opened.plain.of.is_some(), "it belongs to this task alone");
    }
    // A person gives one.
    press(&browser, "#tasks-panel", "", "Give a task");
    eventually("the form is there", || browser.count("#tasks-panel .give textarea") == 2);
    browser.type_into("#tasks-panel .give textarea", "Fill it");
    browser.run(
        "document.querySelector('#tasks-panel .give select').value = 'to:alice';
        document.querySelector('#tasks-panel .give details').open = true;",
    );
    browser.run(
        "document.querySelectorAll('#tasks-panel .give textarea')[1].value = '{\"with\":\"sand\"}'",
    );
    press(&browser, "#tasks-panel .give", "", "Give the task");
    wait_for_status(&browser, "Fill it", "pending");
    let board = alice.member.call("GET", "/tasks").send().json();
    let given = list(&board["tasks"]).iter().find(|task| task["from"] == "zoe").unwrap();
    let sealed = given["task"].as_str().unwrap();
    let opened = read(&alice.secret, Place::Task, &id("zoe"), sealed).unwrap();
    assert_eq!(opened.plain.text.as_deref(), Some("Fill it"));
    let about = given["context"].as_str().unwrap();
    let place = Place::Part(Part::Context, sealed);
    let opened = read(&alice.secret, place, &id("zoe"), about).unwrap();
    assert_eq!(opened.plain.json.unwrap().get(), r#"{"with":"sand"}"#);
    // A result of another task is not taken for the one of this.
    let elsewhere = Place::Part(Part::Result, &words);
    let result = alice.part(elsewhere, Plain::text("Something else"));
    let given = string(&given["id"]);
    for status in ["accepted", "in_progress"] {
        change(&alice.member, &given, &json!({ "status": status }));
    }
    change(&alice.member, &given, &json!({ "status": "completed", "result": result }));
    wait_for_status(&browser, "Fill it", "completed");
    let said = string(&of_card(&browser, "Fill it", "card.textContent"));
    assert!(said.contains("This result could not be opened") && !said.contains("else"), "{said}");
    assert_quiet(&browser);
}

#[test]
fn files_are_sealed_and_opened() {
    let (_relay, alice, browser) = talk();
    open_panel(&browser, "files-panel");
    let key: FileKey = "plan.md".parse().unwrap();
    let name = alice.name();
    let sealer = Sealer { secret: &alice.secret, name: &name, signer: None };
    let put = |key: &str, sealed: &str| {
        let path = format!("/files/{key}");
        let call = alice.member.call("PUT", &path).header("Content-Type", b"application/jose");
        let answer = call.body(sealed.as_bytes()).send();
        assert!(answer.status < 300, "{}", answer.text());
    };
    let sealed = sealer.seal_file(&key, iv(), PlainFile::default(), b"# The plan\n").unwrap();
    put("plan.md", &sealed);
    wait_for_file(&browser, "plan.md", "alice");
    let row = |key: &str| format!("#files-panel .file[data-key={}]", json!(key));
    press(&browser, &row("plan.md"), "", "Preview");
    browser.wait_for("#files-panel .file-preview pre", "# The plan");
    // What belongs to another name is not shown.
    put("other.md", &sealed);
    wait_for_file(&browser, "other.md", "alice");
    press(&browser, &row("other.md"), "", "Preview");
    browser.wait_for(&format!("{} .problem", row("other.md")), "This file could not be opened");
    share(&browser, "notes.txt", "Grüße\nund mehr".as_bytes());
    wait_for_file(&browser, "notes.txt", "you");
    let stored = alice.member.call("GET", "/files/notes.txt").send();
    assert_eq!(stored.header("Content-Type"), "application/jose");
    let notes: FileKey = "notes.txt".parse().unwrap();
    let opened = read_file(&alice.secret, &notes, &id("zoe"), &stored.text()).unwrap();
    assert_eq!(opened.bytes, "Grüße\nund mehr".as_bytes());
    assert_eq!(opened.file.content_type.as_deref(), Some("text/plain"));
    assert_quiet(&browser);
}

#[test]
fn a_person_starts_an_encrypted_conversation_and_is_asked_before_a_secret_is_sent() {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&relay.url());
    browser.type_into("#name", "zoe");
    browser.type_into("#greeting", &format!("The key is {}", secret()));
    browser.click("#encrypted");
    browser.click("#start button");
    browser.wait_for("#start [role=alert]", "This looks like a password or key.");
    look_at(&browser, "encrypted-start");
    // Pressed again, it is sent as it is.
    let other = Browser::start();
    other.open(&relay.url());
    other.type_into("#name", "yan");
    other.type_into("#greeting", &format!("The key is {}", secret()));
    other.click("#encrypted");
    other.click("#start button");
    other.wait_for("#start [role=alert]", "Press the button again");
    other.click("#start button");
    other.wait_for("#messages", &secret());
    browser.clear("#greeting");
    browser.type_into("#greeting", "Just between us");
    browser.click("#start button");
    browser.wait_for("#alone-link", "#k1");
    let link = browser.text("#alone-link");
    let (address, fragment) = link.trim().split_once('#').unwrap();
    let secret_of_link: Secret = fragment.parse().unwrap();
    // An agent joins by the link.
    let api = Api::new(&relay.url());
    let code = address.split('/').next_back().unwrap();
    let call = api.post(&format!("/v1/pair/{code}/claim")).agent("alice");
    let key_id = secret_of_link.key_id().to_string();
    let claimed = call.header("X-Key-Id", key_id.as_bytes()).send().json();
    let greeting = claimed["greeting"]["text"].as_str().unwrap();
    let opened = read(&secret_of_link, Place::Greeting, &id("zoe"), greeting).unwrap();
    assert_eq!(opened.plain.text.as_deref(), Some("Just between us"));
    let (session, key) = (string(&claimed["sessionId"]), string(&claimed["sessionKey"]));
    let member = Member { api, session, agent: "alice".to_owned(), key };
    let mut alice = Sealing::of(member, secret_of_link);
    browser.wait_for("#messages", "Just between us");
    alice.say("I am here");
    browser.wait_for("#messages", "I am here");
    write(&browser, &format!("The password is {}", secret()));
    browser.wait_for("#asking-heading", "Send a secret?");
    look_at(&browser, "encrypted-secret");
    browser.click("#asking-no");
    let draft = "return document.querySelector('#text').value";
    assert_eq!(browser.run(draft), format!("The password is {}", secret()));
    assert_eq!(alice.heard().len(), 1, "nothing was sent");
    browser.click("#send");
    browser.wait_for("#asking-heading", "Send a secret?");
    browser.click("#asking-yes");
    alice.wait_to_hear(&format!("The password is {}", secret()));
    // Whoever has nothing but the address needs a link, and no key alone would help.
    let outsider = Browser::start();
    outsider.open(&browser.url());
    outsider.wait_for("#over-heading", "You need a link");
    // The same holds for files that are short.
    open_panel(&browser, "files-panel");
    eventually("files can be shared", || browser.count("#files-panel input[type=file]") == 1);
    for name in ["one.env", "two.env", "three.env"] {
        share(&browser, name, format!("KEY={}\n", secret()).as_bytes());
    }
    let is_asked = "return document.querySelector('#asking').open";
    for answer in ["#asking-yes", "#asking-no", "#asking-yes"] {
        eventually("the page asks", || browser.run(is_asked) == true);
        browser.click(answer);
    }
    let keys = || -> Vec<String> {
        let files = alice.member.call("GET", "/files").send().json();
        list(&files["files"]).iter().map(|file| string(&file["key"])).collect()
    };
    eventually("two are stored", || keys().len() == 2);
    assert_eq!(browser.run(is_asked), false);
    browser.wait_for("#files-panel", "Not uploaded. It was not sent.");
    // The seat goes to a phone with its key.
    browser.click("#open-menu");
    browser.click("#carry");
    browser.click("#carry-show");
    eventually("the code is drawn", || browser.count("#carry-code .qr") == 1);
    assert_quiet(&browser);
}

#[test]
fn a_send_that_is_repeated_is_the_same_to_the_byte_also_after_a_reload() {
    let (_relay, alice, browser) = talk();
    let note = "const original = fetch;
        const sent = JSON.parse(sessionStorage.sent ?? '[]');
        window.fetch = async (url, options = {}) => {
            if (options.method !== 'POST' || !url.endsWith('/messages')) return original(url, options);
            sent.push([options.headers['Idempotency-Key'], options.body]);
            sessionStorage.sent = JSON.stringify(sent);
            if (window.lost ?? sent.length < 3) throw new TypeError('lost');
            return original(url, options);
        };";
    browser.before_pages(note);
    browser.reload();
    browser.wait_for("#connection", "Live");
    browser.run("window.lost = true");
    write(&browser, "Once");
    eventually("it was tried", || browser.run("return sessionStorage.sent !== undefined") == true);
    browser.reload();
    alice.wait_to_hear("Once");
    let sent = browser.run("return JSON.parse(sessionStorage.sent)");
    let sent = sent.as_array().unwrap();
    assert!(sent.len() >= 2 && sent.iter().all(|one| *one == sent[0]), "{sent:?}");
    write(&browser, "Twice");
    let seal = alice.wait_to_hear("Twice");
    assert_eq!(seal, json!({ "state": "open", "n": 2 }));
}

#[test]
fn who_has_signed_once_signs_always() {
    let (_relay, mut alice, browser) = talk();
    let can = browser.run(
        "return crypto.subtle.importKey('raw', new Uint8Array(32), { name: 'Ed25519' }, false, ['verify']).then(() => true, () => false)",
    );
    alice.signer = Some(Signer::from_seed([3; 32]));
    alice.say("Signed");
    browser.wait_for("#messages", "Signed");
    let titles = browser
        .run("return [...document.querySelectorAll('.proof.verified')].map((one) => one.title)");
    let expected = if can == true {
        "Signed with the key of this name"
    } else {
        "Proved with the key of this name"
    };
    assert_eq!(titles, json!([expected]));
    alice.signer = Some(Signer::from_seed([4; 32]));
    alice.say("By another key");
    browser.wait_for("#messages", "By another key");
    alice.signer = None;
    alice.say("Not signed");
    browser.wait_for("#messages", "Not signed");
    let warned = if can == true { 2 } else { 0 };
    assert_eq!(browser.count(".pose"), warned, "{}", browser.text("#messages"));
    // After a reload it is the same key.
    browser.reload();
    browser.wait_for("#messages", "Not signed");
    assert_eq!(browser.count(".pose"), warned, "{}", browser.text("#messages"));
    assert_quiet(&browser);
}

#[test]
fn the_browser_seals_and_opens_the_values_of_the_contract() {
    let relay = relay();
    let browser = Browser::start();
    browser.open(&relay.url());
    // The sealed values of this test, too: what Rust seals, the browser opens.
    let secret = Secret::from_random([5; 20]);
    let name = id("alice");
    let made: BTreeMap<usize, String> = [0, 1, 14, 15, 16, 17, 1000, 70_000]
        .into_iter()
        .map(|length| (length, seal(&secret, Field::Text, &name, iv(), &vec![b'x'; length])))
        .collect();
    browser.run(&format!(
        "window.vectors = {VECTORS}; window.made = {}; window.secret = {};
         window.found = undefined;
         const version = new URL(document.querySelector('script[src*=\"/assets/\"]').src).pathname.split('/')[2];
         const bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
         const digits = (hex) => Uint8Array.from(hex.match(/../g), (two) => Number.parseInt(two, 16));
         (async () => {{
             const {{ Keys }} = await import(`/assets/${{version}}/seal.js`);
             const {{ cases, drawn, keyId }} = window.vectors;
             const secret = `k1${{drawn}}`;
             const keys = new Keys(secret);
             const found = {{ id: (await keys.id()) === keyId, sealed: [], opened: [], refused: [], lengths: {{}} }};
             for (const {{ field, iv, plaintext, sealed, sender }} of cases) {{
                 found.sealed.push((await keys.seal(field, sender, bytes(plaintext), digits(iv))) === sealed);
                 found.opened.push(String(await keys.open(field, sender, sealed)) === String(bytes(plaintext)));
                 await keys.read(field, sender, sealed, {{ isFile: field.startsWith('file/') }});
                 for (let at = 0; at < sealed.length; at += 7) {{
                     const other = sealed[at] === 'A' ? 'B' : 'A';
                     const state = await keys.open(field, sender, sealed.slice(0, at) + other + sealed.slice(at + 1)).then(() => 'open', (error) => error.state);
                     found.refused.push(state);
                 }}
             }}
             const mine = new Keys(window.secret);
             for (const [length, sealed] of Object.entries(window.made)) found.lengths[length] = (await mine.open('text', 'alice', sealed)).length;
             window.found = found;
         }})().catch((error) => (window.found = {{ failed: String(error) }}));",
        json!(made),
        json!(secret.as_str()),
    ));
    eventually("it is done", || !browser.run("return window.found").is_null());
    let found = browser.run("return window.found");
    assert_eq!(found["id"], true, "{found}");
    assert_eq!(found["sealed"], json!([true, true, true, true]));
    assert_eq!(found["opened"], json!([true, true, true, true]));
    let refused = found["refused"].as_array().unwrap();
    assert!(refused.len() > 150 && refused.iter().all(|state| state != "open"), "{refused:?}");
    for length in made.keys() {
        assert_eq!(found["lengths"][length.to_string()], *length);
    }
}
