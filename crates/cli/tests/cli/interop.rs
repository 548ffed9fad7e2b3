//! One encrypted session, and a member of each kind in it: `nexus`, a person at a browser, and agents that have
//! nothing but the page of the link and one of the scripts that it names. Each reads what each has sent.

use crate::{
    scene::link,
    support::{Home, text},
};
use nexus_tests::{Api, Project, browser::Browser, eventually, list, relay, shell_blocks};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf, process::Command};
use tempfile::TempDir;

const GREETING: &str = "Gr\u{fc}\u{df}e! \"Which day\" suits you all?";

/// What a member says, with letters that every client must write and read in the same way.
fn words_of(name: &str) -> String {
    format!("{name} says: \"Dienstag\", f\u{fc}r 3 \u{20ac} \u{1f642} \\ 'and' $HOME %s")
}

/// What somebody has read, by who has said it.
type Heard = BTreeMap<String, String>;

/// The texts of messages that were opened, by their senders.
fn heard(page: &Value) -> Heard {
    let messages = list(&page["messages"]).iter();
    let opened = messages.filter(|message| message["seal"]["state"] == "open");
    let by = |message: &Value| if message["by"].is_string() { "greeting" } else { "agentId" };
    let of = |message: &Value| match by(message) {
        "greeting" => ("greeting".to_owned(), text(&message["text"])),
        field => (text(&message[field]), text(&message["text"])),
    };
    opened.map(of).collect()
}

/// An agent that runs the commands of the page behind its link, each block in a shell of its own.
struct Agent {
    name: &'static str,
    home: TempDir,
    /// Where programs are looked for.
    path: PathBuf,
    blocks: Vec<String>,
}

/// The blocks of the page.
const CLAIM: usize = 0;
const SEND: usize = 1;
const READ: usize = 2;
const LEAVE: usize = 3;

/// What the page has its reader fill in, and send.
const BLANK: &str = "THE WHOLE LINK, WITH WHAT STANDS BEHIND #";
const EXAMPLE: &str = r#"{"text":"Hello, I got your link. What can I do for you?"}"#;

impl Agent {
    /// `adapted`: the page's commands for `nx.py`, as they are for another script.
    fn new(name: &'static str, link: &str, adapted: impl Fn(&str) -> String) -> Self {
        let (address, _) = link.split_once('#').unwrap();
        let (origin, path) = address.split_at(address.find("/p/").unwrap());
        let page = Api::new(origin).get(path).send().text();
        let blocks = shell_blocks(&page);
        assert_eq!(blocks.len(), 4, "{page}");
        assert!(blocks[CLAIM].contains(BLANK) && blocks[SEND].contains(EXAMPLE), "{page}");
        let own_name = blocks[CLAIM].lines().find(|line| line.starts_with("AGENT=")).unwrap();
        let said = json!({ "text": words_of(name) }).to_string();
        let fill = |block: &String| {
            let block = block.replace(BLANK, link).replace(EXAMPLE, &said);
            adapted(&block.replace(own_name, &format!("AGENT='{name}'")))
        };
        let blocks = blocks.iter().map(fill).collect();
        let node = Project::here().unwrap().npm_bin("node");
        let path = node.parent().unwrap().to_owned();
        Self { name, home: tempfile::tempdir().unwrap(), path, blocks }
    }

    fn python(link: &str) -> Self {
        Self::new("python", link, str::to_owned)
    }

    fn node(link: &str) -> Self {
        Self::new("node", link, |block| {
            block.replace("python3 nx.py", "node nx.mjs").replace("nx.py", "nx.mjs")
        })
    }

    /// `nx.sh` seals and opens single texts, so the JSON around them is written by hand.
    fn bash(link: &str) -> Self {
        Self::new("bash", link, |block| {
            block
                .replace(
                    "python3 nx.py seal \"$AGENT\" <<'END' > body",
                    "bash nx.sh seal \"$AGENT\" text <<'END' > sealed",
                )
                .replace("\nEND\n", "\nEND\nprintf '{\"text\":\"%s\"}' \"$(cat sealed)\" > body\n")
                .replace(" | python3 nx.py open", "")
                .replace("python3 nx.py", "bash nx.sh")
                .replace("nx.py", "nx.sh")
        })
    }

    fn run(&self, script: &str) -> String {
        let mut shell = Command::new("sh");
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = [self.path.clone()].into_iter().chain(std::env::split_paths(&paths));
        shell.args(["-euc", script]).env("PATH", std::env::join_paths(paths).unwrap());
        let output = shell.env("HOME", self.home.path()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && told.is_empty(), "{}: {script}\n{told}", self.name);
        String::from_utf8(output.stdout).unwrap()
    }

    fn block(&self, block: usize) -> Value {
        let printed = self.run(&self.blocks[block]);
        serde_json::from_str(&printed).unwrap_or_else(|_| panic!("{}: {printed}", self.name))
    }

    /// Claims the code, and returns the greeting.
    fn claim(&self) -> Value {
        let claimed = self.block(CLAIM);
        let parts = (&claimed["status"], &claimed["sessionKey"], &claimed["encryption"]);
        assert_eq!(parts, (&json!("claimed"), &json!("kept"), &json!({ "v": 1 })));
        claimed["greeting"].clone()
    }

    /// Opens a text with `nx.sh`, where it stands.
    fn open(&self, sender: &Value, field: &str, sealed: &Value) -> Value {
        let (sender, sealed) = (text(sender), text(sealed));
        let open = format!("printf %s '{sealed}' | bash nx.sh open {sender} {field}");
        let opened = self.run(&format!("cd ~/.nexus-*; . ./seat; {open}"));
        serde_json::from_str(&opened).unwrap()
    }

    /// All that was said, opened text by text.
    fn heard_one_by_one(&self) -> Heard {
        let page = self.block(READ);
        let mut heard = Heard::new();
        for message in list(&page["messages"]) {
            if message["kind"].is_null() {
                let sender = &message["agentId"];
                let opened = self.open(sender, "text", &message["text"]);
                heard.insert(text(sender), text(&opened["text"]));
            }
        }
        heard
    }
}

/// Joins at a browser.
fn at_browser(link: &str, name: &str) -> Browser {
    let browser = Browser::start();
    browser.open(link);
    let asks = "return document.querySelector('#join')?.offsetParent instanceof Element";
    eventually("the page asks for a name", || browser.run(asks) == true);
    browser.clear("#name");
    browser.type_into("#name", name);
    browser.click("#join button");
    browser.wait_for("#connection", "Live");
    browser
}

#[test]
fn each_kind_of_member_reads_each_other_kind() {
    let relay = relay();
    let nexus = Home::new(&relay.url());
    let create = ["create", "--as", "nexus", "--encrypt", "--greeting", GREETING];
    let session = text(&nexus.nexus(&create).done()["sessionId"]);
    let link = || link(&nexus, &session);
    let guest = Home::without_url();
    let claimed = guest.nexus(&["claim", &link(), "--as", "guest"]).done();
    assert_eq!(claimed["greeting"]["text"], GREETING);
    let (python, node, bash) = (Agent::python(&link()), Agent::node(&link()), Agent::bash(&link()));
    for agent in [&python, &node] {
        let greeting = agent.claim();
        let found = (&greeting["text"], &greeting["seal"]["state"]);
        assert_eq!(found, (&json!(GREETING), &json!("open")), "{}", agent.name);
    }
    let greeting = bash.claim();
    assert_eq!(bash.open(&greeting["by"], "greeting", &greeting["text"])["text"], GREETING);
    let browser = at_browser(&link(), "zoe");

    let names = ["nexus", "guest", "python", "node", "bash", "zoe"];
    let mut all: Heard = names.iter().map(|name| ((*name).to_owned(), words_of(name))).collect();
    all.insert("greeting".to_owned(), GREETING.to_owned());
    nexus.nexus(&["send", &session, &words_of("nexus")]).done();
    guest.nexus(&["send", &session, &words_of("guest")]).done();
    for agent in [&python, &node, &bash] {
        assert_eq!(agent.block(SEND)["verified"], true, "{}", agent.name);
    }
    browser.type_into("#text", &format!("{}\u{E007}", words_of("zoe")));
    let page = || nexus.nexus(&["poll", &session, "--after", "0"]).done();
    eventually("the browser has sent", || page().to_string().contains("zoe says"));

    let but =
        |name: &str| -> Heard { all.clone().into_iter().filter(|(by, _)| by != name).collect() };
    for (home, name) in [(&nexus, "nexus"), (&guest, "guest")] {
        let page = home.nexus(&["poll", &session, "--after", "0"]).done();
        let mut heard = heard(&page);
        heard.remove(name);
        assert_eq!(heard, but(name));
        for odd in ["missing", "restarted", "fork", "routing", "keyChanged"] {
            assert!(!page.to_string().contains(&format!("\"{odd}\":")), "{odd}: {page}");
        }
    }
    // They were shown the greeting at the claim.
    let said = |name: &str| -> Heard {
        but(name).into_iter().filter(|(by, _)| by != "greeting").collect()
    };
    for agent in [&python, &node] {
        assert_eq!(heard(&agent.block(READ)), said(agent.name));
    }
    assert_eq!(bash.heard_one_by_one(), said("bash"));
    for words in all.values() {
        browser.wait_for("#messages", words);
    }
    assert_eq!(browser.count(".pose, .unverified"), 0, "{}", browser.text("#messages"));
    assert_eq!(browser.console_errors(), Vec::<String>::new());
    // The relay has read nothing of it.
    let key = nexus.stored(&session, "key").unwrap();
    let api = Api::new(&relay.url());
    let path = format!("/v1/sessions/{session}/messages?after=0&limit=500");
    let raw = api.get(&path).agent("nexus").key(&key).send().text();
    assert!(raw.contains("eyJhbGci") && !raw.contains("says:"), "{raw}");
    for agent in [&python, &node, &bash] {
        agent.block(LEAVE);
        assert_eq!(std::fs::read_dir(agent.home.path()).unwrap().count(), 0, "nothing is left");
    }
}
