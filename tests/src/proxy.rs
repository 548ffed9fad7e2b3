//! A reverse proxy in front of a relay: Debian's nginx, as its documentation has it set up.

use crate::{eventually, watched::Watched};
use std::{
    fs,
    io::Read,
    net::TcpStream,
    process::{Command, Stdio},
};
use tempfile::TempDir;
use xtask::{project::Project, setup::programs};

const CONFIGURATION: &str = "
daemon off;
master_process off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {}
http {
    access_log off;
    client_body_temp_path FOLDER/body;
    proxy_temp_path FOLDER/proxy;
    fastcgi_temp_path FOLDER/fastcgi;
    uwsgi_temp_path FOLDER/uwsgi;
    scgi_temp_path FOLDER/scgi;
    SERVER
}
";

const SERVER: &str = "
    gzip on;
    gzip_proxied any;
    gzip_min_length 1;
    gzip_types *;
    server {
        listen 127.0.0.1:PORT;
        location / {
            proxy_pass RELAY;
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https;
            proxy_read_timeout 60s;
        }
    }
";

/// A proxy that serves until it is dropped.
pub struct Proxy {
    _running: Watched,
    /// Its address.
    pub url: String,
    _folder: TempDir,
}

impl Proxy {
    /// Starts one in front of the relay at `relay`.
    pub fn start(relay: &str) -> Self {
        Self::with(SERVER, relay)
    }

    /// Starts one that is set up like this, where PORT stands for its port and RELAY for the address of the relay.
    pub fn with(server: &str, relay: &str) -> Self {
        let project = Project::here().expect("a checkout");
        let nginx = programs::nginx(&project).expect("nginx: `cargo xtask test` provides it");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().display().to_string();
        let port = xtask::relay::free_port().expect("a port").to_string();
        let configuration = CONFIGURATION.replace("FOLDER", &path).replace("SERVER", server);
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration.replace("PORT", &port).replace("RELAY", relay))
            .expect("a configuration");
        let running = Watched::start(nginx, |command| {
            let log = format!("{path}/error.log");
            command.args(["-p", &path, "-e", &log, "-c"]).arg(&file);
        });
        let at = format!("127.0.0.1:{port}");
        let url = format!("http://{at}");
        let proxy = Self { _running: running, url, _folder: folder };
        eventually("the proxy serves", || TcpStream::connect(&at).is_ok());
        proxy
    }

    /// Asks it with curl from an address of its own, with these arguments. Returns what came: the
    /// status in the last line.
    pub fn ask(&self, from: &str, arguments: &[&str], path: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-m", "20", "--interface", from, "-w", "\n%{http_code}"]);
        let output = curl.args(arguments).arg(format!("{}{path}", self.url)).output();
        let output = output.expect("curl");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Asks it with curl for a stream, and returns what comes until `enough` is in it.
    pub fn stream(&self, arguments: &[&str], path: &str, enough: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["-sSN", "-m", "20"]).args(arguments).arg(format!("{}{path}", self.url));
        let mut curl = curl.stdout(Stdio::piped()).spawn().expect("curl");
        let mut stdout = curl.stdout.take().expect("a pipe");
        let (mut text, mut chunk) = (String::new(), [0; 4096]);
        while !text.contains(enough) {
            match stdout.read(&mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(read) => text += &String::from_utf8_lossy(&chunk[..read]),
            }
        }
        let _ = curl.kill();
        let _ = curl.wait();
        text
    }
}
