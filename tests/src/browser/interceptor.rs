//! A proxy between one browser and everything else. It does for every engine what only Chromium's own
//! protocol does: it runs a script before each page, hears of the page's errors, and notes what the browser
//! asks of other servers, which it refuses.
//!
//! A page comes with one more script, the first in its head. All else passes as it is: requests, streams and
//! sockets. Each request has a connection of its own, which ends on both sides when it ends on one, so the
//! browser and the relay notice what happens to the other.

use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// Where the page finds the script, and where that sends errors to.
pub(super) const SCRIPT: &str = "/-before-pages.js";
const ERRORS: &str = "/-page-error";

const LISTENERS: &str = include_str!("listeners.js");

/// A proxy that serves until it is dropped.
pub(super) struct Interceptor {
    /// Its port on 127.0.0.1.
    pub(super) port: u16,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    scripts: Mutex<String>,
    errors: Mutex<Vec<String>>,
    elsewhere: Mutex<Vec<String>>,
    has_ended: AtomicBool,
}

impl Interceptor {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("a port").port();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if serving.has_ended.load(Ordering::Relaxed) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // A connection that breaks is the browser's or the relay's doing.
                thread::spawn(move || serve(&client, &shared));
            }
        });
        Self { port, shared }
    }

    /// Adds a script that runs before each page.
    pub(super) fn before_pages(&self, script: &str) {
        let mut scripts = self.shared.scripts.lock().unwrap_or_else(PoisonError::into_inner);
        // In a block, as each has names of its own.
        scripts.extend(["{ ", script, " }\n"]);
    }

    /// The errors of pages since the last call.
    pub(super) fn errors(&self) -> Vec<String> {
        let mut errors = self.shared.errors.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *errors)
    }

    /// The servers other than this machine that the browser has asked for.
    pub(super) fn asked_elsewhere(&self) -> Vec<String> {
        self.shared.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Interceptor {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::Relaxed);
        // Ends the wait for the next connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// The head of a request.
struct Head {
    method: String,
    host: String,
    path: String,
    /// Without the line of the request and without the empty one.
    lines: Vec<String>,
}

impl Head {
    /// Reads one. `None` if none comes.
    fn read(from: &mut impl BufRead) -> Option<Self> {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if from.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if line.is_empty() {
                break;
            }
            lines.push(line.to_owned());
        }
        let first = lines.remove(0);
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let rest = target.split_once("://").map_or(target, |(_, rest)| rest);
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        Some(Self { method, host: host.to_owned(), path: path.to_owned(), lines })
    }

    fn header(&self, name: &str) -> Option<&str> {
        let headers = self.lines.iter().filter_map(|line| line.split_once(':'));
        let mut found = headers.filter(|(found, _)| found.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.trim())
    }

    fn is_of_this_machine(&self) -> bool {
        let name = self.host.rsplit_once(':').map_or(self.host.as_str(), |(name, _)| name);
        ["127.0.0.1", "localhost", "[::1]"].contains(&name)
    }

    fn is_of_a_page(&self) -> bool {
        self.method == "GET"
            && self.header("Accept").is_some_and(|types| types.contains("text/html"))
    }
}

fn serve(client: &TcpStream, shared: &Shared) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let head = Head::read(&mut reader)?;
    if !head.is_of_this_machine() {
        shared.elsewhere.lock().unwrap_or_else(PoisonError::into_inner).push(head.host);
        return answer(client, "502 Bad Gateway", "", b"");
    }
    match (head.method.as_str(), head.path.as_str()) {
        ("CONNECT", _) => tunnel(client, &mut reader, &head),
        (_, SCRIPT) => {
            let scripts = shared.scripts.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let kind =
                "Content-Type: text/javascript; charset=utf-8\r\nCache-Control: no-store\r\n";
            answer(client, "200 OK", kind, format!("{LISTENERS}{scripts}").as_bytes())
        }
        (_, ERRORS) => {
            let length = head.header("Content-Length")?.parse().ok()?;
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let error = String::from_utf8_lossy(&body).into_owned();
            shared.errors.lock().unwrap_or_else(PoisonError::into_inner).push(error);
            answer(client, "204 No Content", "", b"")
        }
        _ if head.is_of_a_page() => page(client, &head),
        _ => pass(client, &mut reader, &head),
    }
}

fn answer(mut client: &TcpStream, status: &str, headers: &str, body: &[u8]) -> Option<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    client.write_all(head.as_bytes()).ok()?;
    client.write_all(body).ok()?;
    client.shutdown(Shutdown::Write).ok()
}

/// Copies both ways, until either side ends.
fn join(client: &TcpStream, reader: &mut BufReader<TcpStream>, relay: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| {
            let _ = io::copy(&mut { relay }, &mut { client });
            let _ = client.shutdown(Shutdown::Both);
        });
        let _ = io::copy(reader, &mut { relay });
        let _ = relay.shutdown(Shutdown::Both);
    });
}

fn tunnel(mut client: &TcpStream, reader: &mut BufReader<TcpStream>, head: &Head) -> Option<()> {
    let relay = TcpStream::connect(&head.host).ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    join(client, reader, &relay);
    Some(())
}

/// Passes a request as it is. If the relay is away, the browser gets no answer either.
fn pass(client: &TcpStream, reader: &mut BufReader<TcpStream>, head: &Head) -> Option<()> {
    let mut relay = TcpStream::connect(&head.host).ok()?;
    let mut request = format!("{} {} HTTP/1.1\r\n", head.method, head.path);
    let is_socket = head.header("Upgrade").is_some();
    for line in &head.lines {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if is_socket || !["connection", "proxy-connection", "keep-alive"].contains(&name.as_str()) {
            request.extend([line.as_str(), "\r\n"]);
        }
    }
    request += if is_socket { "\r\n" } else { "Connection: close\r\n\r\n" };
    relay.write_all(request.as_bytes()).ok()?;
    join(client, reader, &relay);
    Some(())
}

/// Passes a page, with one more script.
fn page(client: &TcpStream, head: &Head) -> Option<()> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
    let agent: ureq::Agent = config.into();
    let mut request = agent.get(format!("http://{}{}", head.host, head.path));
    for (name, value) in head.lines.iter().filter_map(|line| line.split_once(':')) {
        let is_ours = ["host", "connection", "proxy-connection", "accept-encoding"]
            .contains(&name.to_ascii_lowercase().as_str());
        if !is_ours {
            request = request.header(name, value.trim());
        }
    }
    let mut response = request.header("Accept-Encoding", "gzip").call().ok()?;
    let mut body = response.body_mut().with_config().limit(64 << 20).read_to_vec().ok()?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let is_packed = header("Content-Encoding") == Some("gzip");
    if header("Content-Type").is_some_and(|kind| kind.starts_with("text/html")) {
        body = with_script(&body, is_packed).ok()?;
    }
    let mut headers = String::new();
    for (name, value) in response.headers() {
        if !["content-length", "transfer-encoding", "connection"].contains(&name.as_str()) {
            headers.extend([name.as_str(), ": ", value.to_str().ok()?, "\r\n"]);
        }
    }
    answer(client, &response.status().to_string(), &headers, &body)
}

fn with_script(body: &[u8], is_packed: bool) -> io::Result<Vec<u8>> {
    let mut html = String::new();
    if is_packed {
        GzDecoder::new(body).read_to_string(&mut html)?;
    } else {
        html = String::from_utf8_lossy(body).into_owned();
    }
    let first = format!("<head>\n<script src=\"{SCRIPT}\"></script>");
    let html = html.replacen("<head>", &first, 1);
    if !is_packed {
        return Ok(html.into_bytes());
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(html.as_bytes())?;
    packed.finish()
}
