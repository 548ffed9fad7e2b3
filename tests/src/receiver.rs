//! A receiver of webhooks, on the loopback address.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// How long a post may take. A relay that is killed leaves some unfinished.
const PATIENCE: Duration = Duration::from_secs(5);

/// A server that takes every post. It ends when it is dropped.
pub struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    /// Whether it agrees to get messages: it then repeats the challenge.
    agrees: bool,
    over: AtomicBool,
    posts: Mutex<Vec<Value>>,
    bytes: Mutex<usize>,
}

impl Receiver {
    /// Starts one that agrees to get messages, or one that answers but never agrees.
    ///
    /// # Errors
    /// No port is free.
    pub fn start(agrees: bool) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            agrees,
            over: AtomicBool::new(false),
            posts: Mutex::default(),
            bytes: Mutex::default(),
        });
        let own = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if own.over.load(Ordering::Relaxed) {
                    return;
                }
                // A post that breaks off was not received, and the relay knows that.
                let _ = own.take(&stream);
            }
        });
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Where to post to.
    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// The bodies of all posts, in the order in which they came.
    pub fn posts(&self) -> MutexGuard<'_, Vec<Value>> {
        self.shared.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of posts, and of bytes in their bodies.
    pub fn amount(&self) -> (usize, usize) {
        let bytes = self.shared.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        (self.posts().len(), *bytes)
    }
}

impl Shared {
    fn take(&self, stream: &TcpStream) -> std::io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line)? > 2 {
            let (name, value) = line.split_once(':').unwrap_or_default();
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().unwrap_or_default();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        let post: Value = serde_json::from_slice(&body).unwrap_or_default();
        let is_question = post["type"] == "webhook.verification";
        let challenge = post["challenge"].as_str().filter(|_| is_question && self.agrees);
        let answer = challenge.unwrap_or_default().to_owned();
        *self.bytes.lock().unwrap_or_else(PoisonError::into_inner) += length;
        // Before the answer: what the relay knows to be received must be in the list. A receiver
        // that never agrees only counts.
        let kept = if self.agrees { post } else { json!(null) };
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).push(kept);
        let mut stream = stream;
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        // Wakes the thread.
        drop(TcpStream::connect(self.address));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}
