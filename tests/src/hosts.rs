//! Hosts with official clients of the Model Context Protocol, as programs that are told what to call.

#![allow(clippy::needless_pass_by_value, reason = "values are written where they are passed")]

use crate::mcp::Mcp;
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// Something that calls tools.
pub trait Host {
    /// What a tool gives, and whether it is an error.
    fn call(&mut self, tool: &str, arguments: Value) -> (Value, bool);

    /// What a tool gives that is called rightly.
    fn done(&mut self, tool: &str, arguments: Value) -> Value {
        let (given, is_error) = self.call(tool, arguments);
        assert!(!is_error, "{tool}: {given}");
        given
    }
}

impl Host for Mcp<'_> {
    fn call(&mut self, tool: &str, arguments: Value) -> (Value, bool) {
        Mcp::call(self, tool, arguments)
    }
}

/// A host that is a program.
pub struct Bridge {
    child: Child,
    calls: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Bridge {
    /// Starts it, and waits until it knows the tools.
    ///
    /// # Panics
    /// It does not start, or does not know them.
    #[must_use]
    pub fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a host that starts");
        let (calls, answers) =
            (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
        let mut bridge = Self { child, calls, answers: BufReader::new(answers) };
        let tools = bridge.answer();
        assert_eq!(tools["tools"].as_array().map(Vec::len), Some(7), "{tools}");
        bridge
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the host has ended: {line}"))
    }
}

impl Host for Bridge {
    fn call(&mut self, tool: &str, arguments: Value) -> (Value, bool) {
        let call = json!({ "tool": tool, "arguments": arguments });
        writeln!(self.calls, "{call}").expect("a host that reads");
        let answer = self.answer();
        (answer["given"].clone(), answer["isError"] == true)
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that two agents do with the tools: one invites, the other joins; they talk, wait for each other, give a task,
/// and leave.
///
/// # Panics
/// Something of it fails.
pub fn converse(a: &mut dyn Host, b: &mut dyn Host) {
    let invited = a.done("invite", json!({ "name": "alice", "greeting": "Which day?" }));
    let joined = b.done("join", json!({ "link": invited["link"], "name": "bob" }));
    assert_eq!(joined["messages"][0]["text"], "Which day?");
    let (alice, bob) = (&invited["seat"], &joined["seat"]);
    let came = a.done("read", json!({ "seat": alice, "wait": 25 }));
    assert_eq!(came["messages"][0]["kind"], "joined", "{came}");
    b.done("send", json!({ "seat": bob, "text": "Tuesday", "json": { "day": 2 } }));
    let heard = a.done("read", json!({ "seat": alice, "after": came["next"], "wait": 25 }));
    assert_eq!(
        (&heard["messages"][0]["text"], &heard["messages"][0]["from"]),
        (&json!("Tuesday"), &json!("bob"))
    );
    let nothing = a.done("read", json!({ "seat": alice, "after": heard["next"], "wait": 1 }));
    assert_eq!((&nothing["messages"], &nothing["next"]), (&json!([]), &heard["next"]));
    let task = a.done("task", json!({ "seat": alice, "text": "Book a table", "to": "bob" }));
    let told = b.done("read", json!({ "seat": bob, "after": joined["next"], "wait": 25 }));
    assert_eq!(told["messages"][0]["kind"], "task", "{told}");
    for status in ["accepted", "in_progress", "completed"] {
        b.done("task", json!({ "seat": bob, "id": task["id"], "status": status }));
    }
    let seen = a.done("task", json!({ "seat": alice, "id": task["id"] }));
    assert_eq!(seen["status"], "completed");
    let (refused, is_error) =
        b.call("task", json!({ "seat": bob, "id": task["id"], "status": "failed" }));
    assert!(is_error, "{refused}");
    assert_eq!(b.done("leave", json!({ "seat": bob }))["left"], true);
    let (gone, is_error) = b.call("read", json!({ "seat": bob }));
    assert!(is_error && gone["error"] == "forbidden", "{gone}");
}
