//! `nexus version --check`, at a registry that is no real one, and the manual.

use crate::{
    fake::{Fake, Reply},
    support::{Home, commands},
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt as _};

const OWN: &str = env!("CARGO_PKG_VERSION");

/// A registry with this version of the client.
pub(crate) fn registry(version: &str) -> Fake {
    let package = json!({ "name": "@nexus-relay/cli", "version": version });
    Fake::answering("200 OK", "Content-Type: application/json\r\n", &package.to_string())
}

fn home() -> Home {
    Home::new("http://127.0.0.1:9")
}

#[test]
fn it_says_whether_a_newer_version_is_published() {
    assert_eq!(home().nexus(&["version"]).done(), json!({ "version": OWN }));
    for (latest, is_newest) in [(OWN, true), ("0.0.9", true), ("99.0.0", false)] {
        let registry = registry(latest);
        let told = home().nexus(&["version", "--check", "--registry", &registry.url]).done();
        assert_eq!(told, json!({ "version": OWN, "latest": latest, "isNewest": is_newest }));
        let requests = registry.requests();
        assert!(requests[0].starts_with("GET /@nexus-relay%2fcli/latest "), "{requests:?}");
    }
}

#[test]
fn the_registry_of_the_environment_is_asked() {
    for name in ["NPM_CONFIG_REGISTRY", "npm_config_registry"] {
        let registry = registry("99.0.0");
        let mut command = home().command();
        command.args(["version", "--check"]).env(name, format!("{}/", registry.url));
        let told = crate::support::Run::of(command.output().unwrap()).done();
        assert_eq!(told["isNewest"], false);
        assert_eq!(registry.requests().len(), 1);
    }
}

#[test]
fn else_the_registry_of_npm_is_asked_if_there_is_an_npm() {
    let (registry, folder) = (registry("99.0.0"), tempfile::tempdir().unwrap());
    let home = home();
    let check = || {
        let mut command = home.command();
        command.args(["version", "--check"]).env("PATH", folder.path());
        crate::support::Run::of(command.output().unwrap())
    };
    assert_eq!(check().error(), "unsupported");
    let npm = folder.path().join("npm");
    let words = r#"[ "$*" = "config get registry" ] || exit 1"#;
    fs::write(&npm, format!("#!/bin/sh\n{words}\necho {}/\n", registry.url)).unwrap();
    fs::set_permissions(&npm, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(check().done()["isNewest"], false);
}

#[test]
fn whoever_is_offline_learns_what_to_do_and_nothing_hostile_is_printed() {
    let check = |url: &str| home().nexus(&["version", "--check", "--registry", url]);
    let offline = check("http://127.0.0.1:9");
    assert_eq!(offline.error(), "server_unreachable");
    for hint in [OWN, "online", "--registry"] {
        assert!(offline.stderr.contains(hint), "{}", offline.stderr);
    }
    let missing = Fake::answering("404 Not Found", "", "{}");
    let unpublished = check(&missing.url);
    assert_eq!(unpublished.error(), "unsupported");
    assert!(unpublished.stderr.contains("no published version"), "{}", unpublished.stderr);
    let page = Fake::answering("200 OK", "", "<html>\u{1b}[2J");
    assert_eq!(check(&page.url).error(), "server_unreachable");
    let moved = Fake::new(|_, _| {
        Reply::Bytes(crate::fake::response("302 Found", "Location: http://127.0.0.1:9/\r\n", ""))
    });
    assert_eq!(check(&moved.url).error(), "server_unreachable");
    for version in ["9.9.9\u{1b}[2J", "newest", "1.2"] {
        let told = check(&registry(version).url);
        assert_eq!(told.error(), "unsupported");
        assert!(!told.stderr.contains('\u{1b}'), "{}", told.stderr);
    }
    assert_eq!(check("no address").error(), "server_unreachable");
}

#[test]
fn the_manual_has_a_page_for_each_command() {
    let home = home();
    let folder = home.state().join("deep/man1");
    home.nexus(&["man", folder.to_str().unwrap()]).done();
    let help = home.command().arg("--help").output().unwrap().stdout;
    for command in commands(&String::from_utf8(help).unwrap()) {
        let page = fs::read_to_string(folder.join(format!("nexus-{command}.1"))).unwrap();
        assert!(page.starts_with(".ie") || page.contains(".TH "), "{page}");
    }
    let page = fs::read_to_string(folder.join("nexus-task-give.1")).unwrap();
    assert!(page.contains("nexus task give"), "{page}");
    assert!(!folder.join("nexus-delegate.1").exists(), "earlier names have none");
    assert_eq!(home.nexus(&["man", "/dev/null/man"]).error(), "file_unavailable");
}
