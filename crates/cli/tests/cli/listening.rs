//! A running `nexus listen`, and a proxy between it and the relay.

use crate::support::{Home, lines};
use serde_json::Value;
use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::{Child, Command},
    sync::{Arc, Mutex, mpsc::Receiver},
    thread,
    time::Duration,
};

/// How long to wait for a line before the test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// A listening process. Its output is read line by line.
pub(crate) struct Listening {
    child: Child,
    out: Receiver<String>,
    err: Receiver<String>,
}

impl Listening {
    pub(crate) fn start(home: &Home, session: &str, arguments: &[&str]) -> Self {
        Self::of(home.command().args(["listen", session]).args(arguments))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = lines(child.stdout.take().unwrap());
        let err = lines(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// The next line that it prints.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        match self.out.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(why) => panic!("{why}: {}", self.rest()),
        }
    }

    #[track_caller]
    pub(crate) fn value(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// Reads its lines on stderr until one contains this, and returns that line.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str) -> String {
        let mut said = String::new();
        loop {
            let line = self
                .err
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|why| panic!("{why}, not `{what}`: {said}"));
            if line.contains(what) {
                return line;
            }
            said.push_str(&line);
            said.push('\n');
        }
    }

    /// All further lines on stderr.
    pub(crate) fn rest(&mut self) -> String {
        self.err.try_iter().collect::<Vec<_>>().join("\n")
    }

    /// Waits for its end, and returns its last value.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Value {
        let last = self.value();
        let status = self.child.wait().unwrap();
        assert_eq!(status.success(), last["error"].is_null(), "{last}");
        last
    }

    /// Waits for its end, and returns its exit code. It says nothing more, on stderr neither.
    #[track_caller]
    pub(crate) fn silent_end(&mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        let more: Vec<String> = self.out.iter().chain(self.err.iter()).collect();
        assert_eq!(more, Vec::<String>::new());
        status.code()
    }

    #[track_caller]
    pub(crate) fn stop(mut self, signal: &str) -> Value {
        self.signal(signal);
        self.end()
    }

    /// Stops it, and returns how many messages it has handled, whatever lines come before.
    #[track_caller]
    pub(crate) fn stop_quietly(mut self) -> u64 {
        self.signal("-TERM");
        loop {
            let value = self.value();
            if value["status"] == "stopped" {
                return value["messages"].as_u64().unwrap();
            }
        }
    }

    #[track_caller]
    pub(crate) fn signal(&self, signal: &str) {
        let kill = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(kill.unwrap().success());
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a proxy does with a connection that it does not let through.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Mode {
    /// Refuses it.
    Refuses,
    /// Closes it once it is open.
    Cuts,
    /// Lets it open, and then nothing more through.
    Swallows,
}

/// Passes connections on to a relay, except those for certain paths.
pub(crate) struct Proxy {
    pub(crate) url: String,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    pub(crate) fn new(port: u16, refused: &'static [&'static str], mode: Mode) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let open = Arc::new(Mutex::new(Vec::new()));
        let streams = Arc::clone(&open);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                streams.lock().unwrap().push(stream.try_clone().unwrap());
                thread::spawn(move || pass_on(stream, port, refused, mode));
            }
        });
        Self { url, open }
    }

    /// Cuts every connection.
    pub(crate) fn cut_all(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Checks only the first line of each connection. It closes connections when the relay does, so
/// that the client opens a new one for each request.
fn pass_on(mut client: TcpStream, port: u16, refused: &[&str], mode: Mode) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if client.read(&mut byte).unwrap_or(0) == 0 {
            return;
        }
        head.extend(byte);
    }
    let text = String::from_utf8(head).unwrap();
    let line = text.lines().next().unwrap_or_default();
    let is_refused = refused.iter().any(|path| line.contains(path));
    if is_refused && mode == Mode::Refuses {
        let _ = client.write_all(
            b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno",
        );
        return;
    }
    let Ok(mut relay) = TcpStream::connect(("127.0.0.1", port)) else {
        // Dropping it would not close it, because the list of open connections has a copy.
        let _ = client.shutdown(Shutdown::Both);
        return;
    };
    // One request for each connection, so that every request is checked.
    let text = if line.contains("/ws") {
        text
    } else {
        text.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
    };
    let _ = relay.write_all(text.as_bytes());
    let (mut from, mut to) = (client.try_clone().unwrap(), relay.try_clone().unwrap());
    let up = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    if is_refused {
        // Lets the upgrade through, and nothing after it.
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            if relay.read(&mut byte).unwrap_or(0) == 0 {
                break;
            }
            head.extend(byte);
        }
        let _ = client.write_all(&head);
        if mode == Mode::Swallows {
            let _ = std::io::copy(&mut relay, &mut std::io::sink());
        }
    } else {
        let _ = std::io::copy(&mut relay, &mut client);
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = relay.shutdown(Shutdown::Both);
    let _ = up.join();
}
