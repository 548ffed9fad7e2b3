//! The tests of conversations, tasks and files once more, with every session encrypted.

use std::process::Command;

/// The tests that run again.
const AGAIN: [&str; 17] = [
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
];

/// Those that are about what an encrypted session does not have, each with the reason.
const EXCEPT: [(&str, &str); 13] = [
    ("conversation::a_message_passes_as_it_is", "the relay searches nothing that is sealed"),
    ("conversation::a_session_is_joined_and_joined_again", "there is no session without a creator"),
    ("ending::a_session_requires_links_only_on_request", "the server of the test cannot encrypt"),
    ("files::a_file_that_no_relay_takes", "what is sealed is longer than the file"),
    ("files::the_relay_goes_on_with_a_file", "compares the bytes that the relay has"),
    ("inviting::a_link_that_was_sent", "an address gets no link to an encrypted session"),
    ("inviting::a_terminal_shows_the_link_once", "the code of a longer link is wider"),
    ("inviting::an_invitation_without_waiting", "claims by the code alone"),
    ("inviting::nothing_of_what_was_pasted", "is about the terminal, and sends nothing"),
    ("team::a_token_lets_in", "joins by the environment of another program"),
    ("team::files_are_stored_and_read_back", "a file of the full size, and sizes at the relay"),
    ("wait::a_message_under_our_name", "every call proves a key"),
    ("matrix::", "its other clients cannot encrypt"),
];

#[test]
fn conversations_tasks_and_files_work_the_same_where_they_are_sealed() {
    if std::env::var_os("NEXUS_TEST_SEALED").is_some() {
        return;
    }
    let mut tests = Command::new(std::env::current_exe().unwrap());
    tests.env("NEXUS_TEST_SEALED", "1").args(AGAIN);
    for (name, _) in EXCEPT {
        tests.args(["--skip", name]);
    }
    let output = tests.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let passed = told.split("test result: ok. ").nth(1).and_then(|rest| rest.split(' ').next());
    let passed: usize = passed.unwrap_or_default().parse().unwrap();
    assert!(passed > 100, "{told}");
}
