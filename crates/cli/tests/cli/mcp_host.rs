//! A host of `nexus mcp`: writes lines to it, and reads its lines.

use crate::support::{Home, lines};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    io::Write,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    sync::mpsc::Receiver,
    time::Duration,
};

/// How long to wait for a line before the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Host {
    child: Child,
    input: Option<ChildStdin>,
    out: Receiver<String>,
    err: Receiver<String>,
    /// Notifications that came before what was waited for.
    notes: VecDeque<Value>,
    count: u64,
}

impl Drop for Host {
    fn drop(&mut self) {
        // It has ended if the test went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    pub(crate) fn start(home: &Home) -> Self {
        Self::of(home.command().arg("mcp"))
    }

    /// Starts it, and does the handshake of the legacy era.
    pub(crate) fn legacy(home: &Home) -> Self {
        let mut host = Self::start(home);
        host.shake_hands();
        host
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Self { child, input, out, err, notes: VecDeque::new(), count: 0 }
    }

    pub(crate) fn shake_hands(&mut self) -> Value {
        let hello = json!({
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "test", "version": "1" },
        });
        let answer = self.ask("initialize", &hello);
        self.note("notifications/initialized", &json!({}));
        answer["result"].clone()
    }

    /// Writes a line as it is.
    pub(crate) fn write(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{line}").unwrap();
        input.flush().unwrap();
    }

    pub(crate) fn note(&mut self, method: &str, params: &Value) {
        self.write(&json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Makes a request, and returns its id.
    pub(crate) fn begin(&mut self, method: &str, params: &Value) -> u64 {
        self.count += 1;
        let id = self.count;
        self.write(
            &json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string(),
        );
        id
    }

    /// The next line, which is one of the protocol and has no key in it.
    #[track_caller]
    pub(crate) fn line(&mut self) -> Value {
        let line = self.out.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|why| panic!("{why}: {}", self.told()));
        for secret in ["nxk_", "nxs_", "nxt_"] {
            assert!(!line.contains(secret), "a secret in a transcript: {line}");
        }
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert_eq!(value["jsonrpc"], "2.0", "{line}");
        value
    }

    /// What it has told people.
    pub(crate) fn told(&mut self) -> String {
        self.err.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// The answer to this request, which is the next answer.
    #[track_caller]
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        loop {
            let line = self.line();
            if line["method"].is_string() {
                self.notes.push_back(line);
                continue;
            }
            assert_eq!(line["id"], id, "{line}");
            return line;
        }
    }

    /// The next answer, to whatever request.
    #[track_caller]
    pub(crate) fn any_answer(&mut self) -> Value {
        loop {
            let line = self.line();
            if line["method"].is_null() {
                return line;
            }
            self.notes.push_back(line);
        }
    }

    /// The next notification.
    #[track_caller]
    pub(crate) fn told_by_itself(&mut self) -> Value {
        self.notes.pop_front().unwrap_or_else(|| {
            let line = self.line();
            assert!(line["method"].is_string(), "{line}");
            line
        })
    }

    /// The notifications that have come until now.
    pub(crate) fn notes(&mut self) -> Vec<Value> {
        // What is answered later was written later.
        self.ask("ping", &json!({}));
        self.notes.drain(..).collect()
    }

    #[track_caller]
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        let id = self.begin(method, params);
        self.answer(id)
    }

    pub(crate) fn begin_call(&mut self, tool: &str, arguments: &Value) -> u64 {
        self.begin("tools/call", &json!({ "name": tool, "arguments": arguments }))
    }

    /// What a tool returns.
    #[track_caller]
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let id = self.begin_call(tool, arguments);
        done(&self.answer(id))
    }

    /// The sentence of a tool that refuses.
    #[track_caller]
    pub(crate) fn refused(&mut self, tool: &str, arguments: &Value) -> String {
        let id = self.begin_call(tool, arguments);
        let result = self.answer(id)["result"].clone();
        assert_eq!(result["isError"], true, "{result}");
        let sentence = result["content"][0]["text"].as_str().unwrap().to_owned();
        assert_eq!(result["structuredContent"]["message"], sentence);
        assert!(sentence.len() > 20, "says what to do: {sentence}");
        sentence
    }

    /// The texts that a read tells.
    #[track_caller]
    pub(crate) fn read(&mut self, arguments: &Value) -> Vec<String> {
        texts(&self.call("read", arguments))
    }

    /// Ends the input at once, and returns the answer to a request that was made before.
    #[track_caller]
    pub(crate) fn last_answer(mut self, id: u64) -> Value {
        drop(self.input.take());
        let answer = self.answer(id);
        assert!(self.child.wait().unwrap().success());
        answer
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends the input, and waits for its end. Nothing more was printed.
    #[track_caller]
    pub(crate) fn end(mut self) -> ExitStatus {
        drop(self.input.take());
        let status = self.child.wait().unwrap();
        let rest: Vec<String> = self.out.iter().collect();
        let is_note = |line: &String| line.contains("\"method\":");
        assert!(rest.iter().all(is_note), "{rest:?}");
        status
    }
}

/// What a tool returned, told as a text and as a value.
#[track_caller]
pub(crate) fn done(answer: &Value) -> Value {
    let result = &answer["result"];
    assert!(result["isError"].is_null() && result.is_object(), "{answer}");
    let text = result["content"][0]["text"].as_str().unwrap();
    let value: Value = serde_json::from_str(text).unwrap();
    assert_eq!(result["structuredContent"], value);
    value
}

/// The texts of messages of agents.
pub(crate) fn texts(page: &Value) -> Vec<String> {
    let messages = page["messages"].as_array().unwrap().iter();
    let said = messages.filter(|message| message["from"] != "relay");
    said.map(|message| message["text"].as_str().unwrap().to_owned()).collect()
}

/// A relay, and the hosts of alice and bob, who are in one session.
pub(crate) fn pair() -> (nexus_tests::Relay, [Home; 2], [Host; 2]) {
    let relay = nexus_tests::relay();
    let homes = [Home::new(&relay.url()), Home::without_url()];
    let mut hosts = [Host::legacy(&homes[0]), Host::legacy(&homes[1])];
    let link = hosts[0].call("invite", &json!({ "name": "alice" }))["link"].clone();
    hosts[1].call("join", &json!({ "name": "bob", "link": link }));
    (relay, homes, hosts)
}
