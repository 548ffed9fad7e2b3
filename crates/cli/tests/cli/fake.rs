//! Servers that misbehave.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What a server does with a request.
pub(crate) enum Reply {
    /// Writes this response and closes.
    Bytes(Vec<u8>),
    /// Does not respond.
    Hang,
}

/// A server that answers request `n`, counted from 0, as a function says, and records the requests.
pub(crate) struct Fake {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    pub(crate) fn new(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::<String>::new()));
        let (requests, reply) = (Arc::clone(&seen), Arc::new(reply));
        // The thread ends with the test's process.
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for (number, stream) in listener.incoming().map_while(Result::ok).enumerate() {
                let request = read_request(&mut stream.try_clone().unwrap());
                requests.lock().unwrap().push(request.clone());
                hanging.push(stream.try_clone().unwrap());
                let reply = Arc::clone(&reply);
                thread::spawn(move || answer(stream, reply(number, &request)));
            }
        });
        Self { url, seen }
    }

    /// A server that always gives this response.
    pub(crate) fn answering(status: &str, headers: &str, body: &str) -> Self {
        let bytes = response(status, headers, body);
        Self::new(move |_, _| Reply::Bytes(bytes.clone()))
    }

    /// The requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, reply: Reply) {
    if let Reply::Bytes(bytes) = reply {
        // A client that has gone away needs no response.
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}

/// Reads the head of a request and its body. A body in chunks ends with an empty chunk.
fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").and_then(|length| length.parse().ok());
            let is_whole = match header(head, "transfer-encoding") {
                Some(_) => body.ends_with("0\r\n\r\n"),
                None => body.len() >= length.unwrap_or(0),
            };
            if is_whole {
                return text;
            }
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => bytes.extend_from_slice(&buffer[..count]),
            _ => return text,
        }
    }
}

/// The value of a header of a request.
pub(crate) fn header(request: &str, name: &str) -> Option<String> {
    let mut lines = request.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(header, _)| header.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned())
}

/// A complete response. Each of `headers` ends with a line end.
pub(crate) fn response(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n{body}"
    )
    .into_bytes()
}

/// Passes a request on to a real server, and returns its response.
pub(crate) fn forward(port: u16, request: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let closing = request.replacen("\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1);
    stream.write_all(closing.as_bytes()).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}
