//! https by the launcher itself, and the operator's token.

use nexus_tests::{
    Api, eventually,
    hosted::{Hosted, package},
};
use std::{fs, process::Command};

/// Makes a certificate and its key, in these files.
fn certify(cert: &str, key: &str) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(cert, made.cert.pem()).unwrap();
    fs::write(key, made.signing_key.serialize_pem()).unwrap();
}

#[test]
fn it_serves_https_and_takes_a_new_certificate_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name).to_str().unwrap().to_owned();
    let [cert, key, log] = ["cert.pem", "key.pem", "log"].map(path);
    certify(&cert, &key);
    let mut arguments = vec!["--tls-cert", &cert, "--tls-key", &key, "--log", &log];
    arguments.extend(["--host", "localhost"]);
    let hosted = package().serve(&folder.path().join("data"), &arguments);
    assert!(hosted.url.starts_with("https://localhost:"), "{}", hosted.url);
    let create = || {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "-m", "20", "--cacert", &cert, "-X", "PUT", "-d", "{}"]);
        let output = curl.arg(format!("{}/v1/sessions", hosted.url)).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains("\"sessionId\"")
    };
    assert!(create());

    let old = fs::read(&cert).unwrap();
    fs::write(&cert, "no certificate").unwrap();
    hosted.signal("USR2");
    eventually("it says so", || hosted.errors().contains("goes on with its old certificate"));
    fs::write(&cert, old).unwrap();
    assert!(create());
    certify(&cert, &key);
    assert!(!create(), "it has another certificate");
    hosted.signal("USR2");
    eventually("it has the new one", create);
    hosted.stop();
    let logged = fs::read_to_string(log).unwrap();
    assert!(logged.contains("\"route\":\"PUT /v1/sessions\""), "{logged}");
}

#[test]
fn a_key_of_another_kind_than_its_certificate_is_no_pair() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name| folder.path().join(name).to_str().unwrap().to_owned();
    let [cert, key] = ["cert.pem", "key.pem"].map(path);
    certify(&cert, &key);
    let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    fs::write(&key, other.serialize_pem()).unwrap();
    let output = package().run(&["--data", &path("data"), "--tls-cert", &cert, "--tls-key", &key]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(1)
            && told.contains("must be a certificate and its private key"),
        "{told}"
    );
    assert!(!folder.path().join("data").exists());
}

#[test]
fn the_operators_token_comes_from_the_environment_and_is_not_written_down() {
    const TOKEN: &str = "a-token-of-the-tests";
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut command = package().command(&["--port", "0", "--data", data]);
    command.env("ADMIN_TOKEN", TOKEN);
    let hosted = Hosted::start(command, &[]);
    let api = hosted.api();
    let activity = |token: &str| api.get("/v1/admin/activity").bearer(token).send().status;
    assert_eq!((activity(TOKEN), activity("another-token-here")), (200, 401));
    let config = fs::read_to_string(folder.path().join("workerd.capnp")).unwrap();
    assert!(config.contains("fromEnvironment") && !config.contains(TOKEN));
    hosted.stop();
}

#[test]
fn variables_and_the_public_address_reach_the_relay() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["--public-url", "https://relay.example", "--var", "OPERATOR_NAME=Ada \"A\" \\ Löwe"];
    let mut command = package().command(&["--data", folder.path().to_str().unwrap()]);
    let port = xtask::relay::free_port().unwrap().to_string();
    command.args(["--port", &port]);
    let hosted = Hosted::start(command, &arguments);
    assert_eq!(hosted.url, "https://relay.example");
    let api = Api::new(&format!("http://127.0.0.1:{port}"));
    let a = api.session();
    let pair = api.put("/v1/pair").agent(&a.agent).key(&a.key);
    let answer = pair.json(&serde_json::json!({ "sessionId": a.session })).send().text();
    assert!(answer.contains("\"url\":\"https://relay.example/p/"), "{answer}");
    let page = api.get("/").header("Accept", b"text/html").send().text();
    assert!(page.contains("Ada &quot;A&quot; \\ Löwe"), "{page}");
    hosted.stop();
}
