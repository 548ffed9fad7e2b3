//! Networks of companies: a proxy that every connection must use, and that inspects TLS with an authority of
//! its own. The relay is `https://relay.example/base`, a name that no other way leads to.

use crate::{
    listening::Listening,
    support::{Home, Run, text},
};
use nexus_tests::relay;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

const URL: &str = "https://relay.example/base";

/// A proxy on this machine that opens every connection to `relay.example` itself.
struct Company {
    url: String,
    /// The hosts that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
    /// The certificate of its authority, in PEM.
    authority: String,
}

impl Company {
    fn new(relay: u16) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["relay.example".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let (config, asked) = (Arc::new(config), Arc::new(Mutex::new(Vec::new())));
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let hosts = Arc::clone(&asked);
        // The threads end with the test's process.
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let (config, hosts) = (Arc::clone(&config), Arc::clone(&hosts));
                thread::spawn(move || inspect(client, config, relay, &hosts));
            }
        });
        Self { url, asked, authority }
    }

    /// A machine in this network, and the file with the certificate of the authority.
    fn machine(&self) -> (Home, PathBuf) {
        let home = Home::new(URL);
        let path = home.state().parent().unwrap().join("authority.pem");
        fs::write(&path, &self.authority).unwrap();
        (home, path)
    }

    fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

/// Answers CONNECT, decrypts what follows, and passes it on to the relay without `/base`.
fn inspect(
    mut client: TcpStream,
    config: Arc<ServerConfig>,
    relay: u16,
    hosts: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut byte).is_ok_and(|count| count > 0) {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let host = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
    hosts.lock().unwrap().push(host.unwrap_or_default().to_owned());
    if client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").is_err() {
        return;
    }
    let server = TcpStream::connect(("127.0.0.1", relay)).unwrap();
    let client = StreamOwned::new(ServerConnection::new(config).unwrap(), client);
    pump(client, server);
}

/// Passes bytes on in both directions until one side closes.
fn pump(mut client: StreamOwned<ServerConnection, TcpStream>, mut server: TcpStream) {
    let turn = Some(Duration::from_millis(5));
    client.sock.set_read_timeout(turn).unwrap();
    server.set_read_timeout(turn).unwrap();
    let mut buffer = vec![0; 65_536];
    loop {
        match came(client.read(&mut buffer)) {
            None => return,
            Some(0) => {}
            Some(count) => {
                let said = String::from_utf8_lossy(&buffer[..count]).into_owned();
                // The relay does not know that it is behind a path. Frames of sockets stay as they are.
                let bytes = if said.contains(" /base/") {
                    said.replacen(" /base/", " /", 1).into_bytes()
                } else {
                    buffer[..count].to_vec()
                };
                if server.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
        match came(server.read(&mut buffer)) {
            None => return,
            // To flush nothing would fail while the client still thinks about the certificate.
            Some(0) => {}
            Some(count) => {
                if client.write_all(&buffer[..count]).and_then(|()| client.flush()).is_err() {
                    return;
                }
            }
        }
    }
}

/// How many bytes came; 0 if none came yet. `None` if the other side has closed.
fn came(read: std::io::Result<usize>) -> Option<usize> {
    match read {
        Ok(0) => None,
        Ok(count) => Some(count),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Some(0)
        }
        Err(_) => None,
    }
}

/// The client in this network, trusting the certificates of this file.
fn command(home: &Home, company: &Company, authority: Option<&Path>) -> Command {
    let mut command = home.command();
    command.env("HTTPS_PROXY", &company.url);
    command.envs(authority.map(|path| ("SSL_CERT_FILE", path)));
    command
}

#[test]
fn requests_and_sockets_pass_a_proxy_that_inspects_them() {
    let relay = relay();
    let company = Company::new(relay.port());
    let (home, path) = company.machine();
    let run = |arguments: &[&str]| {
        let output = command(&home, &company, Some(&path)).args(arguments).output();
        Run::of(output.unwrap()).done()
    };
    let session = text(&run(&["create", "--agent-id", "a"])["sessionId"]);
    assert_eq!(home.stored(&session, "server").unwrap(), URL);
    let mut listen = command(&home, &company, Some(&path));
    let mut listening = Listening::of(listen.args(["listen", &session, "--own"]));
    listening.until("listening over a socket");
    assert_eq!(run(&["send", &session, "hello"])["verified"], true);
    assert_eq!(listening.value()["text"], "hello");
    listening.stop("-TERM");
    let asked = company.asked.lock().unwrap();
    assert!(asked.len() >= 3, "{asked:?}");
    assert!(asked.iter().all(|host| host == "relay.example:443"), "{asked:?}");
}

#[test]
fn an_authority_that_nobody_named_is_not_trusted() {
    let relay = relay();
    let company = Company::new(relay.port());
    let (home, path) = company.machine();
    let run = Run::of(command(&home, &company, None).args(["agents"]).output().unwrap());
    assert_eq!(run.error(), "server_unreachable");
    assert!(run.stderr.contains("SSL_CERT_FILE"), "{}", run.stderr);
    // A folder of certificates, as `c_rehash` makes it.
    let folder = path.with_file_name("authorities");
    fs::create_dir(&folder).unwrap();
    fs::copy(&path, folder.join("00000000.0")).unwrap();
    let mut by_folder = command(&home, &company, None);
    Run::of(by_folder.env("SSL_CERT_DIR", &folder).args(["agents"]).output().unwrap()).done();
    let mut by_nothing = command(&home, &company, Some(Path::new("/dev/null")));
    let run = Run::of(by_nothing.args(["agents"]).output().unwrap());
    assert_eq!(run.error(), "invalid_environment");
    assert!(text(&run.json["message"]).contains("SSL_CERT_FILE"), "{}", run.json);
}

/// In a namespace of its own, the test puts another store of certificates where the system's is.
#[cfg(target_os = "linux")]
#[test]
fn an_authority_of_the_system_is_trusted() {
    let is_possible = Command::new("unshare").args(["-rm", "true"]).status();
    if !is_possible.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this system does not allow a namespace without rights");
        return;
    }
    let relay = relay();
    let company = Company::new(relay.port());
    let (home, path) = company.machine();
    let script = "mount -t tmpfs none /etc/ssl && mkdir /etc/ssl/certs && \
                  cp \"$1\" /etc/ssl/certs/ca-certificates.crt && exec \"$2\" agents";
    let mut inside = home.wrapped(Path::new("unshare"));
    inside.env("HTTPS_PROXY", &company.url).args(["-rm", "sh", "-c", script, "sh"]);
    Run::of(inside.arg(&path).arg(crate::support::NEXUS).output().unwrap()).done();
}

#[test]
fn hosts_of_no_proxy_and_this_machine_are_reached_directly() {
    let relay = relay();
    let company = Company::new(relay.port());
    let (home, path) = company.machine();
    let mut listed = command(&home, &company, Some(&path));
    let run = Run::of(listed.env("NO_PROXY", ".example").args(["agents"]).output().unwrap());
    assert_eq!((run.error(), company.asked()), ("server_unreachable", 0));
    for variable in ["ALL_PROXY", "http_proxy"] {
        let here = Home::new(&relay.url());
        let mut command = here.command();
        command.env(variable, &company.url);
        Run::of(command.args(["create", "--agent-id", "a"]).output().unwrap()).done();
    }
    assert_eq!(company.asked(), 0);
    let mut wrong = home.command();
    wrong.env("HTTPS_PROXY", "ftp://user:secret@h");
    let run = Run::of(wrong.args(["agents"]).output().unwrap());
    assert_eq!(run.error(), "invalid_environment");
    assert!(!run.stderr.contains("secret") && run.stderr.contains("HTTPS_PROXY"));
}
