//! A server that receives the posts of webhooks, and responds as a test says.

use crate::string;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// What a receiver got in one request.
#[derive(Clone)]
pub struct Got {
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub text: String,
    /// The body as JSON.
    pub body: Value,
}

/// What a receiver does with a request.
pub enum Reply {
    /// A status, further headers, and a body.
    Response(u16, &'static str, String),
    /// It keeps the connection open and says nothing.
    Silence,
    /// It responds with 200, and sends a body that does not end.
    Drip,
}

impl Reply {
    /// Only a status.
    pub fn status(status: u16) -> Self {
        Self::Response(status, "", String::new())
    }

    /// Agrees to get whole messages.
    pub fn agree(got: &Got) -> Self {
        Self::Response(200, "", got.body["challenge"].as_str().unwrap_or("ok").to_owned())
    }
}

/// A server with one path. It ends with the test's process.
pub struct Receiver {
    /// Where to post to.
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Receiver {
    /// Starts one that replies in this way.
    pub fn start(reply: impl FnMut(&Got) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let got = Arc::new(Mutex::new(Vec::new()));
        let (seen, reply) = (Arc::clone(&got), Arc::new(Mutex::new(reply)));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, reply) = (Arc::clone(&seen), Arc::clone(&reply));
                thread::spawn(move || {
                    // A post that breaks off was not received, and the relay knows that.
                    let Ok(request) = read(&stream) else { return };
                    let reply = reply.lock().expect("no panic")(&request);
                    // Before the response: what the relay knows to be received must be there.
                    seen.lock().expect("no panic").push(request);
                    respond(stream, reply);
                });
            }
        });
        Self { url, got }
    }

    /// Agrees, and responds to messages with these statuses, and 200 when there are no more; 0 is no
    /// response at all.
    pub fn with<const N: usize>(statuses: [u16; N]) -> Self {
        let mut statuses = statuses.into_iter();
        Self::start(move |got| match got.body["type"].as_str() {
            Some("message") => match statuses.next().unwrap_or(200) {
                0 => Reply::Silence,
                status => Reply::status(status),
            },
            _ => Reply::agree(got),
        })
    }

    /// Everything that it got, in the order in which it came.
    pub fn got(&self) -> Vec<Got> {
        self.got.lock().expect("no panic").clone()
    }

    /// What it got of one type.
    pub fn of(&self, kind: &str) -> Vec<Got> {
        self.got().into_iter().filter(|got| got.body["type"] == kind).collect()
    }

    /// The texts of the messages that it got.
    pub fn texts(&self) -> Vec<String> {
        self.of("message").iter().map(|got| string(&got.body["text"])).collect()
    }
}

fn read(stream: &TcpStream) -> std::io::Result<Got> {
    let mut reader = BufReader::new(stream);
    let mut headers = BTreeMap::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        let (name, value) = line.trim().split_once(": ").unwrap_or_default();
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
        line.clear();
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or_default()];
    reader.read_exact(&mut body)?;
    let text = String::from_utf8(body).map_err(std::io::Error::other)?;
    Ok(Got { headers, body: serde_json::from_str(&text)?, text })
}

/// The relay may be gone, or have cut the response off.
fn respond(mut stream: TcpStream, reply: Reply) {
    match reply {
        Reply::Response(status, headers, body) => {
            let length = body.len();
            let head = format!("Content-Length: {length}\r\nConnection: close\r\n{headers}");
            let _ = write!(stream, "HTTP/1.1 {status} Status\r\n{head}\r\n{body}");
        }
        Reply::Silence => {
            // Until the relay gives up.
            let _ = stream.read(&mut [0]);
        }
        Reply::Drip => {
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
            // A byte now and then, until the relay cuts it off.
            while write!(stream, "x").is_ok() {
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
}
