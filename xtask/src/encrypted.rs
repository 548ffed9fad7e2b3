//! `cargo xtask encrypted`: the tests of the client and of the pages once more, with every session encrypted, and then
//! a search of everything that their relays were sent, stored and logged.
//!
//! The tests know nothing of it: the client is told to encrypt what it creates, and `tests/src/sealing.rs` seals and
//! opens for those tests that call the relay themselves. The same tests then run in the open, so that the search shows
//! what it can find (`tests/src/blind.rs`).

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::process;
use crate::relay::RECORD_FOLDER;
use crate::setup::browser::{self, Engine};
use crate::setup::{Tools, programs};
use crate::worker;

/// Runs the tests of the client and of the pages once more with every session encrypted, and searches what their
/// relays were sent, stored and logged for texts and keys. The same in the open shows that the search finds them.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Run only the tests whose name contains this, and search nothing.
    pub filter: Option<String>,
}

/// The variable by which the tests encrypt.
pub const VARIABLE: &str = "NEXUS_TEST_SEALED";

/// Tests that run once more.
struct Suite {
    package: &'static str,
    target: &'static str,
    /// The names that are chosen; all, if there are none.
    only: &'static [&'static str],
    /// Those that are about what an encrypted session does not have, each with the reason.
    except: &'static [(&'static str, &'static str)],
    /// A run of fewer tests has not found them.
    least: usize,
}

const SUITES: [Suite; 2] = [
    Suite {
        package: "nexus-cli",
        target: "cli",
        only: &[
            "chat::",
            "conversation::",
            "ending::",
            "events::",
            "files::",
            "inviting::",
            "listen::",
            "listening::",
            "loops::",
            "matrix::",
            "mcp_reading::",
            "peek::",
            "repeated::",
            "short::",
            "team::",
            "wait::",
            "workers::",
        ],
        except: &[
            (
                "conversation::a_message_passes_as_it_is",
                "the relay searches nothing that is sealed",
            ),
            (
                "conversation::a_session_is_joined_and_joined_again",
                "there is no session without a creator",
            ),
            (
                "ending::a_session_requires_links_only_on_request",
                "the server of the test cannot encrypt",
            ),
            ("files::a_file_that_no_relay_takes", "what is sealed is longer than the file"),
            ("files::the_relay_goes_on_with_a_file", "compares the bytes that the relay has"),
            ("inviting::a_link_that_was_sent", "an address gets no link to an encrypted session"),
            ("inviting::a_terminal_shows_the_link_once", "the code of a longer link is wider"),
            ("inviting::an_invitation_without_waiting", "claims by the code alone"),
            ("inviting::nothing_of_what_was_pasted", "is about the terminal, and sends nothing"),
            ("team::a_token_lets_in", "joins by the environment of another program"),
            (
                "team::files_are_stored_and_read_back",
                "a file of the full size, and sizes at the relay",
            ),
            ("wait::a_message_under_our_name", "every call proves a key"),
            ("matrix::", "its other clients cannot encrypt"),
        ],
        least: 100,
    },
    Suite {
        package: "nexus-tests",
        target: "browser",
        only: &[],
        except: &[
            ("admin::", "no conversation takes place"),
            ("cards::what_the_relay_took_out", "the relay searches nothing that is sealed"),
            ("connection::a_link_that_names_the_session", "the id alone is no link"),
            ("control::a_guest_of_an_agent", "an outsider with the id alone"),
            ("control::a_message_that_was_not_searched", "the relay searches nothing"),
            ("control::what_only_looks_like_the_relays_word", "the relay takes nothing out"),
            ("conversation::the_seat_stays", "comes back by the id alone"),
            ("conversation::two_people_and_an_agent_with_curl", "curl cannot seal"),
            ("files::what_the_relay_would_refuse", "what is sealed is longer than the file"),
            ("link::in_the_browser_that_made_it", "the relay cannot show what it is about"),
            ("link::it_says_when_someone_has_joined", "the page for agents is another one"),
            ("pages::a_conversation_is_light", "sends without a key"),
            ("seat::a_link_with_a_seat_in_it", "makes an address without the key"),
            ("seat::a_person_goes_on_with_the_same_seat", "makes an address without the key"),
            ("seat::nothing_on_the_page_changes", "the id alone is no link"),
            ("encrypted::", "these encrypt by themselves"),
        ],
        least: 80,
    },
];

/// Runs the tests, and searches.
///
/// # Errors
/// A test failed, or something was found that a relay must not know, or the search found nothing in the open.
pub fn run(tools: &Tools, options: &Options) -> Result<()> {
    browser::ensure(Engine::Chromium)?;
    programs::ensure(tools.project())?;
    worker::build(tools)?;
    let folder = tools.project().path("target/encrypted");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("the last records are in the way")?;
    }
    let (encrypted, open) = (folder.join("encrypted"), folder.join("open"));
    for (records, is_encrypted) in [(&encrypted, true), (&open, false)] {
        fs::create_dir_all(records).context("no folder for records")?;
        for suite in &SUITES {
            suite.run(tools, options.filter.as_deref(), records, is_encrypted)?;
        }
        if options.filter.is_some() {
            return Ok(());
        }
    }
    for (name, reason) in SUITES.iter().flat_map(|suite| suite.except) {
        println!("left out: {name} ({reason})");
    }
    process::run(tools.program_of_tests("blind").args([encrypted, open]))
}

impl Suite {
    fn run(
        &self,
        tools: &Tools,
        filter: Option<&str>,
        records: &Path,
        is_encrypted: bool,
    ) -> Result<()> {
        let how = if is_encrypted { "encrypted" } else { "in the open" };
        println!("\n== {} {}, {how}", self.package, self.target);
        let mut tests = tools.cargo();
        tests.args(["test", "--package", self.package, "--test", self.target, "--"]);
        match filter {
            Some(text) => tests.arg(text),
            None => tests.args(self.only),
        };
        for (name, _) in self.except {
            tests.args(["--skip", name]);
        }
        tests.env(RECORD_FOLDER, records);
        if is_encrypted {
            tests.env(VARIABLE, "1");
        }
        let (told, is_good) = process::show_and_hear(&mut tests)?;
        ensure!(is_good, "tests failed {how}");
        let passed = told.lines().filter(|line| line.ends_with(" ... ok")).count();
        ensure!(
            filter.is_some() || passed >= self.least,
            "only {passed} tests ran, where there are at least {}",
            self.least
        );
        Ok(())
    }
}
