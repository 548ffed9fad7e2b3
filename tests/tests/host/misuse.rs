//! What is wrong is one sentence, and nothing was started or changed.

use nexus_tests::hosted::package;
use std::{fs, net::TcpListener};

/// Runs the launcher with these arguments, and data that must not be made. Returns its exit code and its sentence.
fn refusal(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut all = vec!["--data", data.to_str().unwrap()];
    all.extend(arguments);
    let output = package().run(&all);
    assert!(output.stdout.is_empty() && !data.exists(), "{arguments:?}");
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.starts_with("error: ") && told.ends_with(".\n"), "{told}");
    assert_eq!(told.lines().count(), 1, "{told}");
    (output.status.code(), told)
}

#[test]
fn a_mistake_on_the_command_line_is_named() {
    let cases: [(&[&str], &str); 29] = [
        (&["--port", "70000"], "--port must be a whole number from 0 to 65535"),
        (&["--port", "http"], "`http` is none"),
        (&["--porty", "1"], "'--porty'"),
        (&["--port"], "'--port"),
        (&["--port="], "--port needs a value"),
        (&["start"], "there is no command `start`"),
        (&["--host", "127.0.0.1:80"], "without a port"),
        (&["--host", "fe80::1%eth0"], "must be an address or a name"),
        (&["--public-url", "relay.example"], "http:// or https://"),
        (&["--public-url", "https://relay.example/path"], "without a path"),
        (&["--trust-proxy", "X-Real-IP: 1"], "must name a header"),
        (&["--rate-limit", "-1"], "'--rate-limit"),
        (&["--rate-limit", "many"], "--rate-limit must be a whole number"),
        (&["--var", "MAX_AGENTS"], "NAME=VALUE"),
        (&["--var", "MAX_AGENT=3"], "there is no variable MAX_AGENT: the relay has"),
        (&["--var", "MAX_AGENTS=few"], "MAX_AGENTS must be a whole number"),
        (&["--var", "MAX_AGENTS=1.5"], "MAX_AGENTS must be a whole number"),
        (&["--var", "CLIENT_IP_HEADER=X-Real-IP"], "use --trust-proxy HEADER"),
        (&["--var", "PUBLIC_URL=relay"], "use --public-url URL"),
        (&["--var", "JURISDICTION=eu"], "for a deployment to Cloudflare"),
        (&["--var", "ADMIN_TOKEN=x"], "set it in the environment"),
        (&["--lan", "--host", "127.0.0.1"], "`--lan --host 0.0.0.0`, and not 127.0.0.1"),
        (&["--lan", "--host", "localhost"], "`--lan --host 0.0.0.0`, and not localhost"),
        (&["--lan", "--host", "fe80::1"], "--lan needs --host 0.0.0.0, :: or an IPv4 address"),
        (&["--lan", "--trust-proxy", "X-Real-IP"], "leave out one of them"),
        (&["--tls-cert", "cert.pem"], "give both"),
        (&["--to", "elsewhere"], "option of `nexus-relay backup`"),
        (&["backup"], "--to DIR"),
        (&["backup", "--port", "1", "--to", "x"], "--data and --to only"),
    ];
    for (arguments, sentence) in cases {
        let (code, told) = refusal(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {told}");
        assert!(told.contains(sentence), "{arguments:?}: {told}");
    }
}

#[test]
fn what_the_machine_lacks_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    fs::write(&text, "no certificate").unwrap();
    let text = text.to_str().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let cases: [(&[&str], &str); 7] = [
        (&["--port", &port], "is in use"),
        (&["--port", "0", "--host", "192.0.2.1"], "192.0.2.1 is no address of this machine"),
        (&["--tls-cert", "none.pem", "--tls-key", "none.pem"], "cannot be read (ENOENT)"),
        (&["--tls-cert", text, "--tls-key", text], "must be a certificate and its private key"),
        (&["--log", "/nowhere/relay.log"], "folder cannot be written to (ENOENT)"),
        (&["--log", "/tmp"], "is a folder"),
        (&["backup", "--to", "copy"], "holds no data of a relay"),
    ];
    for (arguments, sentence) in cases {
        let (code, told) = refusal(arguments);
        assert_eq!(code, Some(1), "{arguments:?}: {told}");
        assert!(told.contains(sentence), "{arguments:?}: {told}");
    }
}

#[test]
fn a_variable_that_the_relay_rejects_ends_the_start_with_its_sentence() {
    let cases = [
        ("MAX_AGENTS=5000", "the variable MAX_AGENTS must be a whole number from 1 to 1000"),
        ("OPERATOR_URL=ftp://x", "the variable OPERATOR_URL must begin with"),
        ("ALLOW_UNREDACTED=perhaps", "ALLOW_UNREDACTED"),
    ];
    for (variable, sentence) in cases {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let output = package().run(&["--port", "0", "--data", data, "--var", variable]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        let last = told.lines().last().unwrap();
        assert!(
            last.starts_with("error: the relay did not start: ") && last.contains(sentence),
            "{told}"
        );
    }
}

#[test]
fn a_short_token_is_no_token() {
    let output = package().command(&["--port", "0"]).env("ADMIN_TOKEN", "short").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("at least 16 characters"));
}
